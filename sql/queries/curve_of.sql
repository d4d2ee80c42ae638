-- Series $2 of version $1 as user $3 may see it at $4, with the grants that show it.
select v.dataset_id, v.id as version_id, v.curve_timestamp, v.operating_day, v.cob, v.months,
       v.dates, v.month_numbers, v.hours, v.components, v.component_units,
       c.values as "values: Values", s.control_area, s.state, s.load_zone, s.capacity_zone,
       s.utility, s.block_type, s.cost_group, s.cost_component, s.sub_component, s.unit,
       s.customer_type, s.utility_name, s.load_profile,
       s.matching_id, s.lookup_id, s.term, s.beginning_date, g.admitting as "admitting!"
from curve_version v
join curve c on c.dataset_id = v.dataset_id and c.version_id = v.id
join series s on s.id = c.series_id
cross join lateral (
    select jsonb_agg(to_jsonb(e)) as admitting
    from entitlements($3, array[v.dataset_id], $4) e
    where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)
      and admits_labels(e, s) and admits_block(e, s.block_type)
) g
where v.id = $1 and c.series_id = $2 and v.known_at < 'infinity' and g.admitting is not null
