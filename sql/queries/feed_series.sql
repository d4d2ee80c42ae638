-- What a query for regions ($1) reads, of a feed ($2) or a set of factors ($3) where it names one: of each region
-- the first of its series by choice. $4: forecasts instead of measurements.
select g.region_id, g.name, g.zone, f.feed_id, f.provider, coalesce(f.step_secs, 3600) as "step_secs!", f.attribution,
       extract(epoch from f.expected_lag)::bigint as "expected_lag!", c.factor_set_id as "factor_set_id!",
       array(select s.scope_no from feed_scope s
             where s.feed_id = f.feed_id and s.region_id = g.region_id) as "scopes!"
from region g
cross join lateral (
    select s.feed_id, s.factor_set_id
    from series_by_choice s
    where s.region_id = g.region_id and s.feed_id = coalesce($2, s.feed_id)
      and s.factor_set_id = coalesce($3, s.factor_set_id)
      and case when $4 then exists (select from carbon_intensity_forecast t
                                    where (t.feed_id, t.region_id, t.factor_set_id)
                                          = (s.feed_id, s.region_id, s.factor_set_id))
               else s.is_measured end
    order by s.place
    limit 1
) c
join feed f on f.feed_id = c.feed_id
where g.region_id = any($1)
order by g.region_id
