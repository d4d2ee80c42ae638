-- The series of version $2 of dataset $1 that sight $3 shows, in the order of the file's columns; by their
-- labels where a file has a row for each.
with sight as materialized (
    select row_number() over ()::int as n, e from jsonb_populate_recordset(null::entitlement, $3) as e
)
select s.id, s.state, s.load_zone, s.capacity_zone, s.utility, s.block_type, s.cost_group, s.cost_component,
       s.sub_component, s.unit,
       concat_ws(' / ', s.customer_type, s.utility_name, s.load_profile, s.matching_id, s.lookup_id, s.term,
                 s.beginning_date) as "more!",
       g.admitted as "admitted!"
from curve_version v
join curve c on c.dataset_id = v.dataset_id and c.version_id = v.id
join series s on s.id = c.series_id
cross join lateral (
    select array_agg(n) as admitted,
           bool_or(admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)) as is_shown
    from sight
    where admits_labels(e, s) and admits_block(e, s.block_type)
) g
where v.dataset_id = $1 and v.id = $2 and g.is_shown
order by c.file_column, s.state, s.load_zone, s.utility, s.cost_component, s.id
