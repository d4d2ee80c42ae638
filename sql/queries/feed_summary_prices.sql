-- The prices of a meter's tariffs that can count in a range: those that are valid in it, and of each
-- tariff the last one that began before it, which closes open ones.
with tariff as (select distinct tariff_code from meter_agreement where meter_id = $1),
price as materialized (
    select p.* from tariff_price p join tariff t using (tariff_code)
    where p.provider = $2 and p.rate_kind in ('standard', 'standing') and p.payment_method in ('-', $3)
      and p.valid_from < $5
),
last as (
    select tariff_code, rate_kind, max(valid_from) as valid_from from price where valid_from <= $4 group by 1, 2
)
select p.tariff_code as "tariff_code!", p.rate_kind = 'standing' as "is_standing!",
       p.payment_method <> '-' as "is_own!", p.valid_from as "valid_from!", p.valid_to,
       p.exc_vat as "exc_vat!", p.inc_vat as "inc_vat!"
from price p left join last l using (tariff_code, rate_kind)
where p.valid_to is null or p.valid_to > $4 or p.valid_from = l.valid_from
