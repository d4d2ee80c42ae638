-- Versions of the sources $1 known at $2, of the operating days $3 to $4, known before $5, newest
-- first; $6 how many, $7 the caller's sight.
select id, dataset_id, matrix_version_id, ptc_version_id, load_profile_version_id, curve_timestamp,
       operating_day, ptc_timestamp, offers, records, ambiguous, known_at,
       case when ended_at <= $2 then ended_at end as ended_at
from headroom_version v
where dataset_id = any($1) and known_at <= $2
  and ($3::date is null or operating_day >= $3) and ($4::date is null or operating_day <= $4)
  and ($5::bigint is null or id < $5)
  and exists (select from jsonb_populate_recordset(null::entitlement, $7) as e
              where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null))
order by id desc
limit $6
