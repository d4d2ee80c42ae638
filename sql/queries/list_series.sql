-- Series that a known version holds, with the span of their contract months.
-- $1 dataset, $2 cut-off, $3 above this id, $4 how many.
select s.id, s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility, s.block_type,
       s.cost_group, s.cost_component, s.sub_component, s.unit,
       s.customer_type, s.utility_name, s.load_profile, s.matching_id, s.lookup_id, s.term, s.beginning_date,
       span.first_month as "first_month?", span.last_month as "last_month?"
from series s
join lateral (
    select min(v.first_month) as first_month, max(v.last_month) as last_month, count(*) as versions
    from curve c
    join curve_version v on v.id = c.version_id
    where c.dataset_id = s.dataset_id and c.series_id = s.id and v.known_at <= $2
) span on span.versions > 0
where s.dataset_id = $1 and s.id > $3
order by s.id
limit $4
