-- The newest value of each metric of a region's series. A consumed intensity is known months late, if
-- ever; older than that is no "now". What is not plausible is none either: no quality stands beside it.
with newest as (
    select s.*, n.start_at as newest
    from region_series s
    cross join lateral (
        select start_at from carbon_intensity c
        where (c.feed_id, c.region_id, c.factor_set_id) = (s.feed_id, s.region_id, s.factor_set_id)
        order by start_at desc limit 1
    ) n
    where $1::text[] is null or s.region_id = any($1)
)
select s.region_id as "region_id!", s.factor_set_id as "factor_set_id!", m.metric as "metric!",
       m.start_at as "start_at!", m.secs as "secs!", m.value as "value!", m.rev as "rev!"
from newest s
cross join lateral (
    (select 'generated' as metric, start_at, secs, generated as value, rev from carbon_intensity c
     where (c.feed_id, c.region_id, c.factor_set_id) = (s.feed_id, s.region_id, s.factor_set_id)
       and start_at > s.newest - interval '120 days' and generated is not null
       and quality <> 'suspect'
     order by start_at desc limit 1)
    union all
    (select 'consumed', start_at, secs, consumed, rev from carbon_intensity c
     where (c.feed_id, c.region_id, c.factor_set_id) = (s.feed_id, s.region_id, s.factor_set_id)
       and start_at > s.newest - interval '120 days' and consumed is not null
       and quality <> 'suspect'
     order by start_at desc limit 1)
    union all
    (select 'marginal', start_at, secs, marginal, rev from carbon_intensity c
     where (c.feed_id, c.region_id, c.factor_set_id) = (s.feed_id, s.region_id, s.factor_set_id)
       and start_at > s.newest - interval '120 days' and marginal is not null
       and quality <> 'suspect'
     order by start_at desc limit 1)
) m
