-- The newest intensities of regions, of feeds that anybody may see. $1 now, $2 the ids of those feeds.
select r.region_id, m.metric as "metric!", last.value::float8 as "value!"
from region r
join feed f on f.feed_id = r.default_feed_id and f.enabled and f.feed_id = any ($2)
cross join (values ('generated'), ('consumed'), ('marginal')) m (metric)
cross join lateral (
    select case m.metric when 'generated' then generated when 'consumed' then consumed else marginal end as value
    from carbon_intensity c
    where c.feed_id = f.feed_id and c.region_id = r.region_id and c.factor_set_id = f.default_factor_set
        and c.start_at > $1::timestamptz - interval '2 days' and c.start_at <= $1 and c.quality <> 'suspect'
        and case m.metric when 'generated' then generated when 'consumed' then consumed else marginal end
            is not null
    order by c.start_at desc
    limit 1
) last
order by r.region_id, m.metric
