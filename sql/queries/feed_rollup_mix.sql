-- The slots of each fuel in a range as columns, in order.
select t.fuel as "fuel!",
       array_agg(extract(epoch from t.start_at)::bigint) as "starts!",
       array_agg(t.secs) as "secs!",
       array_agg(t.mw) as "mw!: Values",
       array_agg(t.percent) as "percent!: Values"
from (select fuel, start_at, secs, mw, percent from fuel_mix
      where feed_id = $1 and region_id = $2 and start_at >= $3 and start_at < $4
      order by start_at) t
group by t.fuel order by t.fuel
