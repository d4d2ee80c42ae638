-- kWh by month of the series of load profile version $2 (dataset $1) of the classes $3; none for a
-- month that lacks an hour's value.
select s.state, s.load_zone, s.utility, s.block_type, s.customer_type as "customer_type!",
       date_trunc('month', p.day)::date as "month!",
       case when count(*) = count(p.load)
            then sum(p.load * case s.unit when 'MWh' then 1000 else 1 end)::text end as kwh
from curve_version v
join curve c on c.dataset_id = v.dataset_id and c.version_id = v.id
join series s on s.id = c.series_id
cross join lateral unnest(v.dates, c.values) as p (day, load)
where v.id = $2 and c.dataset_id = $1 and s.unit in ('kWh', 'MWh') and s.customer_type = any($3)
group by s.id, date_trunc('month', p.day)
