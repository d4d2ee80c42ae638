-- What a kWh costs by the tariff $1, or by those that the meter $2 had, in spans that meet [$3, $4), as known
-- at $6 (null: now). A price for the way of payment $5 goes before one for all. An open span ends where the
-- next begins.
with agreed as (
    select $1::text as tariff_code, '-infinity'::timestamptz as valid_from, 'infinity'::timestamptz as valid_to
    where $1::text is not null
    union all
    select a.tariff_code, a.valid_from, coalesce(a.valid_to, 'infinity')
    from meter_agreement a where a.meter_id = $2
),
known as (
    select p.* from tariff_price p
    where p.tariff_code in (select tariff_code from agreed)
      and p.changed_at <= coalesce($6::timestamptz, 'infinity')
    union all
    select r.* from row_revision v
    cross join lateral jsonb_populate_record(null::tariff_price, v.old_values) r
    where v.table_name = 'tariff_price' and r.tariff_code in (select tariff_code from agreed)
      and v.valid_from <= $6 and v.valid_to > $6
),
spans as (
    select a.tariff_code, p.payment_method, p.valid_from, p.exc_vat, p.inc_vat, p.unit, p.currency,
           coalesce(p.valid_to,
                    lead(p.valid_from) over (partition by p.tariff_code, a.valid_from, p.payment_method
                                             order by p.valid_from), 'infinity') as valid_to,
           a.valid_from as agreed_from, a.valid_to as agreed_to
    from agreed a
    join known p on p.tariff_code = a.tariff_code
    where p.rate_kind = 'standard' and p.payment_method in ('-', $5)
)
select greatest(valid_from, agreed_from, $3) as "from!", least(valid_to, agreed_to, $4) as "to!",
       exc_vat as "exc_vat!", inc_vat as "inc_vat!", unit as "unit!", currency as "currency!"
from spans
where greatest(valid_from, agreed_from) < $4 and least(valid_to, agreed_to) > $3
order by payment_method = '-' desc, 1
