-- The axes of versions $2 of dataset $1, the grants of sight $3 that let each through, and how many of its
-- series which grants show.
with sight as materialized (
    select row_number() over ()::int as n, e from jsonb_populate_recordset(null::entitlement, $3) as e
),
shown as materialized (
    select s.id, g.admitted
    from series s
    cross join lateral (
        select array_agg(n) as admitted from sight where admits_labels(e, s) and admits_block(e, s.block_type)
    ) g
    where s.dataset_id = $1 and g.admitted is not null
)
select v.id, v.months, v.dates, v.month_numbers, v.hours, v.components, v.component_units,
       array(select n from sight
             where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)) as "admitted!",
       (select coalesce(jsonb_agg(jsonb_build_object('admitted', a.admitted, 'series', a.series)), '[]')
        from (select shown.admitted, count(*) as series
              from curve c join shown on shown.id = c.series_id
              where c.dataset_id = $1 and c.version_id = v.id
              group by shown.admitted) a) as "sets!: Json<Vec<Alike>>"
from curve_version v
where v.id = any($2)
