-- What a kWh costs by the tariff $1, or by those that the meter $2 had, in spans that meet [$3, $4), as known
-- at $6 (null: now). A price for the way of payment $5 goes before one for all. An open span ends where the
-- next begins; of agreements that hold at once the one that began last counts, and no other.
with agreement as (
    select tariff_code, valid_from,
           coalesce(valid_to, lead(valid_from) over (order by valid_from), 'infinity') as valid_to
    from meter_agreement_at($2, coalesce($6::timestamptz, 'infinity'))
),
agreed as (
    select $1::text as tariff_code, '-infinity'::timestamptz as valid_from, 'infinity'::timestamptz as valid_to
    where $1::text is not null
    union all
    select a.tariff_code, b.valid_from, b.valid_to
    from (select at as valid_from, lead(at) over (order by at) as valid_to
          from (select valid_from as at from agreement union select valid_to from agreement) bound) b
    cross join lateral (select tariff_code from agreement a
                        where a.valid_from <= b.valid_from and a.valid_to > b.valid_from
                        order by a.valid_from desc limit 1) a
    where b.valid_to is not null
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
