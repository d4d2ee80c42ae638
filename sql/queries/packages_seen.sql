-- What grants show, source by source: versions, operating days, series, contract months, cells.
-- $1 the grants, resolved: a JSON array of entitlement; $2 sources; $3 cut-off.
--
-- Everything is counted on headers: versions and series, each with the grants that let it through, and
-- the places of a version's axis once for all series that the same grants let through. So a cell that
-- several grants show counts once.
with grants as materialized (
    select place::int as place, e
    from jsonb_array_elements($1::jsonb) with ordinality as t (content, place)
    cross join lateral jsonb_populate_record(null::entitlement, t.content) as e
),
versions as materialized (
    select v.source_id, v.id, v.operating_day, array_agg(g.place) as grants
    from (
        select dataset_id as source_id, id, operating_day, cob, valid_to is null as is_current
        from curve_version
        where dataset_id = any($2::smallint[]) and known_at <= $3
        union all
        select dataset_id, id, operating_day, false, ended_at is null
        from headroom_version
        where dataset_id = any($2) and known_at <= $3
    ) v
    join grants g on admits_version(g.e, v.source_id, v.operating_day, v.cob, v.is_current)
    group by v.source_id, v.id, v.operating_day
),
reach as materialized (
    select *, dense_rank() over (order by grants) as kind
    from (
        select o.source_id, s.id as series_id, array_agg(g.place order by g.place) as grants
        from source_series o
        join series s on s.id = o.series_id
        join grants g on coalesce((g.e).dataset_id = o.source_id, true)
                         and admits_labels(g.e, s) and admits_block(g.e, s.block_type)
        where o.source_id = any($2)
        group by o.source_id, s.id
    ) r
),
lines as materialized (
    select v.source_id, v.id as version_id, r.series_id, r.kind
    from curve c
    join versions v on v.source_id = c.dataset_id and v.id = c.version_id
    join reach r on r.source_id = c.dataset_id and r.series_id = c.series_id
    where c.dataset_id = any($2) and r.grants && v.grants
    union all
    select v.source_id, v.id, r.series_id, r.kind
    from headroom_record c
    join versions v on v.id = c.version_id
    join headroom_series p on p.id = c.series_id
    join reach r on r.source_id = v.source_id and r.series_id = p.offer_id
    where c.basis = 'prompt' and r.grants && v.grants
),
-- Series of a version, those that the same grants let through together.
held as materialized (
    select l.*, v.grants as version_grants, r.grants as series_grants
    from (select source_id, version_id, kind, count(*) as series from lines group by source_id, version_id, kind) l
    join versions v on v.id = l.version_id
    join (select distinct kind, grants from reach) r on r.kind = l.kind
),
-- Of those grants, each window once.
windows as (
    select h.source_id, h.version_id, h.kind, h.series, w.*
    from held h
    cross join lateral (
        select jsonb_agg(distinct jsonb_build_object(
                   'first', (g.e).first_month, 'last', (g.e).last_month, 'parts', (g.e).sub_components)) as bounds,
               bool_or(num_nonnulls((g.e).first_month, (g.e).last_month) = 0) as all_months,
               bool_or((g.e).sub_components is null) as all_parts
        from grants g
        where g.place = any(h.series_grants) and g.place = any(h.version_grants)
    ) w
),
-- How many places of its axis a version shows by them, and the months of those.
shown as materialized (
    select w.source_id, w.version_id, w.kind, w.series,
           case when v.id is null then 4 -- the measures of headroom
                when v.months is not null then cardinality(m.months)
                when v.dates is not null and not w.all_months then (
                    select count(*) from unnest(v.dates) as d (day)
                    where exists (select from jsonb_to_recordset(w.bounds) as b (first date, last date)
                                  where d.day >= coalesce(b.first, d.day)
                                    and d.day < coalesce(b.last + interval '1 month', 'infinity')))
                when v.components is not null and not w.all_parts then (
                    select count(*) from unnest(v.components) as c (component)
                    where exists (select from jsonb_to_recordset(w.bounds) as b (parts text[])
                                  where c.component = any(b.parts)))
                else v.axis_length
           end as places,
           m.months
    from windows w
    left join curve_version v on v.id = w.version_id
    cross join lateral (
        select array_agg(a.month order by a.month) as months
        from (select month from unnest(v.months) as month
              union all
              select month::date from generate_series(v.first_month, v.last_month, interval '1 month') as month
              where v.dates is not null) a
        where w.all_months
           or exists (select from jsonb_to_recordset(w.bounds) as b (first date, last date)
                      where a.month >= coalesce(b.first, a.month) and a.month <= coalesce(b.last, a.month))
    ) m
),
names as (
    select source_id, array_agg(distinct series_id order by series_id) as series
    from lines
    where (version_id, kind) in (select version_id, kind from shown where places > 0)
    group by source_id
),
cells as (
    select source_id, sum(series * places)::bigint as cells
    from shown
    group by source_id
)
select s.id as "source_id!", c.cells as "cells!", v.versions as "versions!", d.days as "days!",
       n.series as "series!", m.months as "months!", x.derived as "derived!"
from source s
join cells c on c.source_id = s.id and c.cells > 0
join names n on n.source_id = s.id
cross join lateral (
    select array_agg(distinct h.version_id order by h.version_id) as versions
    from shown h
    where h.source_id = s.id and h.places > 0
) v
cross join lateral (
    select array_agg(distinct h.operating_day order by h.operating_day) as days
    from versions h
    where h.id = any(v.versions)
) d
cross join lateral (
    select coalesce(array_agg(distinct month order by month), '{}') as months
    from shown h, unnest(h.months) as month
    where h.source_id = s.id
) m
-- Whether a price of every hour that is computed of a zone's blocks, by one of the three rules, is shown.
cross join lateral (
    select coalesce(bool_or(s.family in ('energy', 'nonenergy') and admits_derived(g.e, rule.members)), false) as derived
    from grants g, (values (array['2x16', '5x16', '7x8']), (array['wd', 'we']), (array['on-peak', 'off-peak'])) as rule (members)
    where coalesce((g.e).dataset_id = s.id, true)
) x
order by s.id
