-- What a query for regions ($1) reads where it names no feed ($2) or no set of factors ($3): the region's
-- default feed, else the first that has any; the feed's default set, else the only one that there is.
-- $4: forecasts instead of measurements.
select g.region_id, g.name, g.zone, f.feed_id, f.provider, coalesce(f.step_secs, 3600) as "step_secs!", f.attribution,
       extract(epoch from f.expected_lag)::bigint as "expected_lag!",
       coalesce($3, f.default_factor_set, f.first_set) as "factor_set_id!",
       array(select s.scope_no from feed_scope s
             where s.feed_id = f.feed_id and s.region_id = g.region_id) as "scopes!"
from region g
cross join lateral (
    select d.*, i.first_set
    from feed d
    cross join lateral (
        select min(s.factor_set_id) as first_set from intensity_series s
        where s.feed_id = d.feed_id and s.region_id = g.region_id) i
    where i.first_set is not null and d.feed_id = coalesce($2, d.feed_id)
      and case when $4 then exists (select from carbon_intensity_forecast c
                                    where c.feed_id = d.feed_id and c.region_id = g.region_id)
               else d.primary_metric is not null end
    order by d.feed_id = g.default_feed_id desc nulls last, d.feed_id
    limit 1
) f
where g.region_id = any($1)
order by g.region_id
