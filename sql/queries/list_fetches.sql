-- Answers to a feed, newest first. Scopes of meters are for those who may read the meter, an account
-- for administrators.
-- $1 feed, $2 scope, $3 class, $4 before, $5 limit, $6 asker, $7 whether the asker sees all.
select
    f.fetch_id, f.run_id, f.feed_id, f.scope, f.task_kind, f.url_redacted,
    lower(f.asked_window) as from_at, upper(f.asked_window) as to_at,
    f.page, f.attempt, f.status, f.class, f.etag, f.last_modified, f.answered_at, f.fetched_at,
    f.duration_ms, f.bytes, f.document_sha256, f.parser_version, f.loaded_at,
    f.rows_new, f.rows_changed, f.rows_same, f.rows_rejected, f.findings, f.lease_epoch, f.expired_at
from feed_fetch f
join feed_scope s using (feed_id, scope)
where f.feed_id = $1
    and ($2::text is null or f.scope = $2)
    and ($3::text is null or f.class = $3)
    and ($4::bigint is null or f.fetch_id < $4)
    and ($7
        or s.region_id is not null and s.meter_id is null
        or s.tariff_code is not null and s.meter_id is null
        or exists (select from meter m where m.meter_id = s.meter_id and m.owner_user_id = $6)
        or exists (select from meter_reader r where r.meter_id = s.meter_id and r.user_id = $6))
order by f.fetch_id desc
limit $5
