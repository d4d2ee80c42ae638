-- The last 24 hours of the series of a region, up to its newest slot; without what is not plausible.
with newest as (
    select s.*, n.start_at as newest
    from region_series s
    cross join lateral (
        select start_at from carbon_intensity c
        where (c.feed_id, c.region_id, c.factor_set_id) = (s.feed_id, s.region_id, s.factor_set_id)
          and generated is not null and quality <> 'suspect'
        order by start_at desc limit 1
    ) n
    where $1::text[] is null or s.region_id = any($1)
)
select c.region_id, c.start_at, c.secs, c.generated as "value!"
from newest s
join carbon_intensity c
  on (c.feed_id, c.region_id, c.factor_set_id) = (s.feed_id, s.region_id, s.factor_set_id)
where c.start_at > s.newest - interval '24 hours' and c.start_at <= s.newest and c.generated is not null
  and c.quality <> 'suspect'
order by c.region_id, c.start_at
