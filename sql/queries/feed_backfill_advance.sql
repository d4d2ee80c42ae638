update feed_backfill
set cursor = $2, windows_done = windows_done + $3, windows_failed = windows_failed + $4, rows_new = rows_new + $5,
    rows_changed = rows_changed + $6, rows_same = rows_same + $7, progress_at = $8
where backfill_id = $1
returning backfill_id, feed_id, scope, from_at, to_at, cursor, state, every_slot, windows_total, windows_done,
    windows_failed, rows_new, rows_changed, rows_same, started_at, progress_at, last_error
