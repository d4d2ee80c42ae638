-- Series of dataset $1 with these ids ($3; null: any) that a version of $2 holds (null: any version),
-- with the grants of sight $4 that show them as they are, and those that show a price derived from them.
-- Members of a derived price are there whether they are visible or not.
with sight as materialized (
    select row_number() over ()::int as n, e from jsonb_populate_recordset(null::entitlement, $4) as e
)
select s.id, s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility, s.block_type, s.cost_group,
       s.cost_component, s.sub_component, s.unit, s.customer_type, s.utility_name, s.load_profile,
       s.matching_id, s.lookup_id, s.term, s.beginning_date,
       coalesce(g.admitted, '{}') as "admitted!", coalesce(g.derived, '{}') as "derived!"
from series s
cross join lateral (
    select array_agg(n) filter (where admits_block(e, s.block_type)) as admitted,
           array_agg(n) filter (where admits_derived(e, array[lower(s.block_type)])) as derived
    from sight
    where admits_labels(e, s)
) g
where s.dataset_id = $1
  and ($2::bigint[] is null
       or s.id in (select series_id from curve where dataset_id = $1 and version_id = any($2)))
  and ($3::bigint[] is null or s.id = any($3))
