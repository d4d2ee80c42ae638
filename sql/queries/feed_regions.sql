-- Regions after $1 (of the ids in $2, or all), with who knows them by which code and what there is of them.
select g.region_id, g.name, g.zone, g.country, g.parent_id, g.default_feed_id,
       coalesce((select jsonb_agg(jsonb_build_object('provider', a.provider, 'code', a.code)
                                  order by a.provider, a.code)
                 from region_alias a where a.region_id = g.region_id), '[]') as "aliases!",
       coalesce((
           select jsonb_agg(jsonb_build_object(
                      'feed', f.feed_id, 'factor_set', s.factor_set_id, 'step_seconds', f.step_secs,
                      'attribution', f.attribution, 'data_from', first.start_at,
                      'data_to', last.start_at + make_interval(secs => last.secs),
                      'latency_seconds', extract(epoch from f.expected_lag)::bigint)
                      order by f.feed_id, s.factor_set_id)
           from intensity_series s
           join feed f using (feed_id)
           left join lateral (
               select c.start_at from carbon_intensity c
               where c.feed_id = s.feed_id and c.region_id = s.region_id and c.factor_set_id = s.factor_set_id
               order by c.start_at limit 1) first on true
           left join lateral (
               select c.start_at, c.secs from carbon_intensity c
               where c.feed_id = s.feed_id and c.region_id = s.region_id and c.factor_set_id = s.factor_set_id
               order by c.start_at desc limit 1) last on true
           where s.region_id = g.region_id), '[]') as "feeds!"
from region g
where g.region_id > $1 and ($2::text[] is null or g.region_id = any($2))
order by g.region_id
limit $3
