-- The days of meters whose summary some ranges touch: those that have usage in them.
select distinct m.meter_id as "meter_id!", m.zone as "zone!", m.region_id as "region_id!",
       (u.start_at at time zone m.zone)::date as "day!"
from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) as a (kind, subject, from_at, to_at)
join meter m on m.fuel_kind = 'electricity' and m.unit = 'kWh' and case a.kind
    when 'meter' then m.meter_id = a.subject
    when 'region' then m.region_id = a.subject
    else exists (select from meter_agreement g where g.meter_id = m.meter_id and g.tariff_code = a.subject)
end
-- A price that ends has closed the open one before it for good.
join meter_usage u on u.meter_id = m.meter_id and u.start_at >= a.from_at and u.start_at < case
    when a.kind = 'tariff' and exists (select from tariff_price p where p.tariff_code = a.subject
                                       and p.valid_to is null and p.valid_from < a.from_at) then 'infinity'
    else a.to_at
end
where m.region_id = any($5)
order by 1, 4
