-- The slots of each fuel in a range as columns, in order.
select fuel as "fuel!",
       array_agg(extract(epoch from start_at)::bigint order by start_at) as "starts!",
       array_agg(secs order by start_at) as "secs!",
       array_agg(mw order by start_at) as "mw!: Values",
       array_agg(percent order by start_at) as "percent!: Values"
from fuel_mix
where feed_id = $1 and region_id = $2 and start_at >= $3 and start_at < $4
group by fuel order by fuel
