insert into feed_fetch (
    run_id, feed_id, scope, task_kind, url_redacted, request_key, asked_window, page, attempt, status, class,
    etag, last_modified, answered_at, fetched_at, duration_ms, bytes, document_sha256, parser_version, findings,
    lease_epoch, next
) values (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22
)
returning fetch_id
