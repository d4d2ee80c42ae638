update feed_task t
set lease_owner = $1, lease_until = now() + make_interval(secs => $2), lease_epoch = lease_epoch + 1
from (select task_id from feed_task
      where next_due <= $3 and not paused and task_kind = any($4)
        and (lease_until is null or lease_until < now())
      order by priority, next_due, task_id
      limit $5
      for update skip locked) due
where t.task_id = due.task_id
returning t.task_id, t.feed_id, t.scope, t.task_kind, t.fail_count, t.last_class, t.last_ok, t.lease_epoch
