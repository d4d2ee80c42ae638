-- The newest answers of a scope.
select fetch_id, task_kind, url_redacted, lower(asked_window) as "window_from?", upper(asked_window) as "window_to?",
       page, attempt, status, class, fetched_at, duration_ms, bytes, rows_new, rows_changed, rows_same, rows_rejected,
       findings, document_sha256 is not null and expired_at is null as "has_document!"
from feed_fetch
where feed_id = $1 and scope = $2
order by fetch_id desc
limit $3
