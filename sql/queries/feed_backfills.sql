select backfill_id, feed_id, scope, from_at, to_at, cursor, state, every_slot, windows_total, windows_done,
       windows_failed, rows_new, rows_changed, rows_same, started_at, progress_at, last_error
from feed_backfill
where ($1::bigint is null or backfill_id = $1)
  and ($2::text is null or feed_id = $2 and scope = $3 and state in ('queued', 'running', 'paused'))
order by from_at, backfill_id
