-- The newest issue of the forecast of a region.
with newest as (
    select distinct on (s.region_id) s.*, i.issued_at
    from intensity_series s
    cross join lateral (
        select issued_at from carbon_intensity_forecast f
        where (f.feed_id, f.region_id, f.factor_set_id) = (s.feed_id, s.region_id, s.factor_set_id)
        order by issued_at desc limit 1
    ) i
    where $1::text[] is null or s.region_id = any($1)
    order by s.region_id, i.issued_at desc, s.feed_id, s.factor_set_id
)
select f.region_id, f.factor_set_id, f.issued_at, f.start_at, f.secs, f.generated as value
from newest n
join carbon_intensity_forecast f
  on (f.feed_id, f.region_id, f.factor_set_id, f.issued_at)
   = (n.feed_id, n.region_id, n.factor_set_id, n.issued_at)
order by f.region_id, f.start_at
