-- Whoever wants history asked for again, while this was asked, takes away when it last went well ($8).
update feed_task
set lease_owner = null, lease_until = null,
    next_due = $4,
    fail_count = $5,
    last_try = case when $6::text is null then last_try else $3 end,
    last_ok = case when $6::text is not null and $7::text is null and last_ok is not distinct from $8 then $3
                   else last_ok end,
    last_class = coalesce($6, last_class),
    last_error = case when $6::text is null then last_error else $7 end
where task_id = $1 and lease_epoch = $2
