-- The newest version of dataset $1 known at $2: with id $3, of the newest operating day from $4 to $5, only
-- ($6 true) or never (false) of close of business, that sight $7 shows.
with sight as materialized (
    select row_number() over ()::int as n, e from jsonb_populate_recordset(null::entitlement, $7) as e
)
select id, operating_day, curve_timestamp, cob, coalesce(months, '{}') as "months!",
       array(select n from sight
             where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)) as "admitted!"
from curve_version v
where dataset_id = $1 and known_at <= $2
  and ($3::bigint is null or id = $3)
  and operating_day >= coalesce($4::date, '-infinity')
  and operating_day <= coalesce($5::date, 'infinity')
  and ($6::boolean is null or cob = $6)
  and exists (select from sight
              where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
order by operating_day desc, curve_timestamp desc
limit 1
