-- Series that a known version holds, with the span of their contract months, of what a sight shows.
-- $1 dataset, $2 cut-off, $3 above this id, $4 how many, $5 the sight.
with sight as materialized (
    select e from jsonb_populate_recordset(null::entitlement, $5) as e
)
select s.id, s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility, s.block_type,
       s.cost_group, s.cost_component, s.sub_component, s.unit,
       s.customer_type, s.utility_name, s.load_profile, s.matching_id, s.lookup_id, s.term, s.beginning_date,
       span.first_month as "first_month?", span.last_month as "last_month?"
from series s
join lateral (
    -- Of each version the months that one grant shows; overlapping grants change no extreme.
    select min(greatest(v.first_month, (e).first_month)) as first_month,
           max(least(v.last_month, (e).last_month)) as last_month, count(*) as versions
    from sight
    join curve_version v on v.dataset_id = s.dataset_id and v.known_at <= $2
        and admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)
        and (coalesce(v.first_month <= (e).last_month, true) and coalesce(v.last_month >= (e).first_month, true))
    join curve c on c.dataset_id = s.dataset_id and c.series_id = s.id and c.version_id = v.id
    where admits_labels(e, s) and admits_block(e, s.block_type)
) span on span.versions > 0
where s.dataset_id = $1 and s.id > $3
order by s.id
limit $4
