update feed_backfill
set cursor = $2, windows_done = windows_done + $3, rows_new = rows_new + $4, rows_changed = rows_changed + $5,
    rows_same = rows_same + $6, progress_at = $7
where backfill_id = $1
returning backfill_id, feed_id, scope, from_at, to_at, cursor, state, every_slot, windows_total, windows_done,
    rows_new, rows_changed, rows_same, started_at, progress_at, last_error
