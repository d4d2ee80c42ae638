-- The log as $9 sees it at $10: their own files, and those of datasets that they have any grant for. A
-- file whose dataset is not known is for its sender and for administrators.
with sight as materialized (
    select e.dataset_id from entitlements($9, array(select id from dataset), $10) e
)
select u.id, u.received_at, a.email, u.file_name, u.archive_name, u.dry_run, u.status, u.code,
       u.points, u.errors, u.warnings, u.sha256 is not null as "kept!"
from upload u
join app_user a on a.id = u.uploader
where (u.uploader = $9 or exists (select from sight s where s.dataset_id is null or s.dataset_id = u.dataset_id))
  and ($1::smallint[] is null or u.dataset_id = any($1))
  and case $2::text
          when 'stored' then u.status = 201
          when 'unchanged' then u.code = 'already_stored'
          when 'refused' then u.status >= 400
          when 'dry_run' then u.dry_run
          else true
      end
  and ($3::text is null or strpos(lower(coalesce(u.archive_name || '/', '') || u.file_name), lower($3)) > 0)
  and ($4::timestamptz is null or u.received_at >= $4)
  and ($5::timestamptz is null or u.received_at < $5)
  and ($6::timestamptz is null or (u.received_at, u.id) < ($6, $7::uuid))
  and ($11::text is null or strpos(a.email, lower($11)) > 0)
order by u.received_at desc, u.id desc
limit $8
