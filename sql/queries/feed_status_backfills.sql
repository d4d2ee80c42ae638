-- The backfills of some feeds that are not at their end, and those that ended a short while ago.
select backfill_id, feed_id, scope, from_at, to_at, cursor, state, every_slot, windows_total, windows_done,
       windows_failed, rows_new, rows_changed, rows_same, started_at, progress_at, last_error
from feed_backfill
where feed_id = any($1) and ($2::text is null or scope = $2)
  and (state in ('queued', 'running', 'paused') or finished_at >= $3)
order by feed_id, scope, from_at
