-- One series ($2) of the newest version of dataset $1 known at $3, of day $4 or of the newest day, that
-- sight $5 shows, with the grants that show it.
select v.dataset_id, v.id as version_id, v.curve_timestamp, v.operating_day, v.cob, v.months,
       v.dates, v.month_numbers, v.hours, v.components, v.component_units,
       c.values as "values: Values", s.control_area, s.state, s.load_zone, s.capacity_zone,
       s.utility, s.block_type, s.cost_group, s.cost_component, s.sub_component, s.unit,
       s.customer_type, s.utility_name, s.load_profile,
       s.matching_id, s.lookup_id, s.term, s.beginning_date, g.admitting as "admitting!"
from (
    select *
    from curve_version v
    where dataset_id = $1 and known_at <= $3
      and operating_day <= coalesce($4::date, 'infinity') and operating_day >= coalesce($4::date, '-infinity')
      and exists (select from jsonb_populate_recordset(null::entitlement, $5) as e
                  where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
    order by operating_day desc, curve_timestamp desc
    limit 1
) v
join curve c on c.dataset_id = $1 and c.version_id = v.id and c.series_id = $2
join series s on s.id = c.series_id
cross join lateral (
    select jsonb_agg(to_jsonb(e)) as admitting
    from jsonb_populate_recordset(null::entitlement, $5) as e
    where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)
      and admits_labels(e, s) and admits_block(e, s.block_type)
) g
where g.admitting is not null
