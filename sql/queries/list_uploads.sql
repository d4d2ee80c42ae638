-- The log as $3 sees it at $4: as pages_uploads.sql has it.
with sight as materialized (
    select e.dataset_id from entitlements($3, array(select id from dataset), $4) e
)
select u.id, u.received_at, a.email as uploader, u.via, u.file_name as file, u.archive_name as archive,
       encode(u.sha256, 'hex') as sha256, u.bytes, u.dry_run, d.family as "family?", d.iso as "iso?",
       u.curve_timestamp, u.operating_day, u.cob, u.status, u.code, u.version_id::text as version_id,
       u.points, u.errors, u.warnings
from upload u
join app_user a on a.id = u.uploader
left join dataset d on d.id = u.dataset_id
where (u.uploader = $3 or exists (select from sight s where s.dataset_id is null or s.dataset_id = u.dataset_id))
  and ($1::uuid is null or u.id < $1)
order by u.id desc
limit $2
