-- Versions of dataset $1, of operating day $2 or with id $3, known at $4, that sight $5 shows, newest first.
with sight as materialized (
    select row_number() over ()::int as n, e from jsonb_populate_recordset(null::entitlement, $5) as e
)
select v.id, v.dataset_id, v.operating_day, v.curve_timestamp, v.curve_timezone, v.cob, v.valid_to,
       v.known_at, v.upload_id, a.email, u.file_name, v.series_count, v.points,
       coalesce(v.months, '{}') as "months!",
       array(select n from sight
             where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)) as "admitted!"
from curve_version v
join upload u on u.id = v.upload_id
join app_user a on a.id = u.uploader
where v.dataset_id = $1 and v.known_at <= $4
  and ($2::date is null or v.operating_day = $2) and ($3::bigint is null or v.id = $3)
  and exists (select from sight
              where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
order by v.curve_timestamp desc
