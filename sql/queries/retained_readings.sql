-- The readings from one on, oldest first, at most $4 of them, each with all that is known of it; the newest
-- two where none is named.
with chosen as (
    (select distinct sampled_at from fuel_sample
     where feed_id = $1 and region_id = $2 and sampled_at >= $3
     order by sampled_at limit $4)
    union all
    (select distinct sampled_at from fuel_sample
     where feed_id = $1 and region_id = $2 and $3 is null
     order by sampled_at desc limit 2)
)
select s.sampled_at, s.fuel, s.mw
from chosen
join fuel_sample s on s.feed_id = $1 and s.region_id = $2 and s.sampled_at = chosen.sampled_at
order by s.sampled_at, s.fuel
