-- The versions that a download reads, oldest first: as select_versions.sql, of headroom.
-- $1 source, $2 cut-off, $3 and $4 first and last operating day (null: the newest),
-- $5 every version of a day instead of that in force, $6 only these versions, $7 the caller's sight.
with sight as materialized (
    select row_number() over ()::int as n, e from jsonb_populate_recordset(null::entitlement, $7) as e
),
visible as (
    select *
    from headroom_version v
    where dataset_id = $1 and known_at <= $2 and ($6::bigint[] is null or id = any($6))
      and exists (select from sight
                  where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null))
),
newest as (
    select max(operating_day) as operating_day from visible
)
select v.id, v.curve_timestamp, v.operating_day, false as "cob!", v.known_at, ''::bytea as "sha256!",
       4 as "places!", v.ptc_timestamp as "ptc_timestamp?",
       array(select n from sight
             where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null)) as "admitted!",
       null::date[] as days
from visible v, newest n
where v.operating_day >= coalesce($3::date, n.operating_day)
  and v.operating_day <= coalesce($4::date, n.operating_day)
  and ($5 or v.ended_at is null or v.ended_at > $2)
order by v.curve_timestamp, v.known_at
