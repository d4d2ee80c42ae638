select s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility, s.block_type, s.cost_group,
       s.cost_component, s.sub_component, s.unit,
       s.customer_type, s.utility_name, s.load_profile,
       s.matching_id, s.lookup_id, s.term, s.beginning_date,
       c.values as "values: Values"
from curve c
join series s on s.id = c.series_id
where c.dataset_id = $1 and c.version_id = $2
