-- What is in force on the day and says another number ends there. A row that began on the day itself is
-- corrected: a day has one number.
with told as (
    select * from unnest($3::text[], $4::numeric[]) t(fuel, g_per_kwh)
), held as (
    select f.*, t.g_per_kwh as told from emission_factor f join told t on t.fuel = f.fuel
    where f.factor_set_id = $1 and f.region_id = '*' and f.valid_from <= $2 and (f.valid_to is null or f.valid_to > $2)
), other as (
    select * from held where g_per_kwh <> round(told, 9)
), ended as (
    update emission_factor f set valid_to = $2 from other o
    where f.factor_set_id = $1 and f.region_id = '*' and f.fuel = o.fuel and f.valid_from = o.valid_from
      and o.valid_from < $2
), corrected as (
    update emission_factor f set g_per_kwh = o.told, source = $5 from other o
    where f.factor_set_id = $1 and f.region_id = '*' and f.fuel = o.fuel and f.valid_from = o.valid_from
      and o.valid_from = $2
), begun as (
    insert into emission_factor (factor_set_id, region_id, fuel, valid_from, valid_to, g_per_kwh, source)
    select $1, '*', o.fuel, $2, o.valid_to, o.told, $5 from other o where o.valid_from < $2
    union all
    select $1, '*', t.fuel, $2, null, t.g_per_kwh, $5 from told t
    where not exists (select from emission_factor f
                      where f.factor_set_id = $1 and f.region_id = '*' and f.fuel = t.fuel)
    returning fuel
)
select (select count(*) from begun) - (select count(*) from other where valid_from < $2) as "new!",
       (select count(*) from other) as "changed!"
