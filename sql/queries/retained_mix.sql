-- The newest slot of the mix of a region.
with newest as (
    select distinct on (r.region_id) r.region_id, f.feed_id, n.start_at
    from region r
    cross join feed f
    cross join lateral (
        select start_at from fuel_mix m
        where m.feed_id = f.feed_id and m.region_id = r.region_id
        order by start_at desc limit 1
    ) n
    where ($1::text[] is null or r.region_id = any($1)) and f.primary_metric in ('mw', 'percent')
    order by r.region_id, n.start_at desc, f.feed_id
)
select m.region_id, m.feed_id, m.fuel, m.start_at, m.secs, m.mw, m.percent
from newest n
join fuel_mix m on m.feed_id = n.feed_id and m.region_id = n.region_id and m.start_at = n.start_at
order by m.region_id, m.fuel
