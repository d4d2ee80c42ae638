insert into feed_task (feed_id, scope, task_kind, priority, next_due)
select s.feed_id, s.scope, k.kind, k.priority, case when k.kind in ('live', 'sweep') then $4 else $5::timestamptz end
from feed_scope s
cross join unnest($1::text[], $2::smallint[]) k (kind, priority)
where s.enabled and (k.kind <> 'sweep' or s.feed_id = any($3))
  and not exists (select from feed_task t where (t.feed_id, t.scope, t.task_kind) = (s.feed_id, s.scope, k.kind))
on conflict do nothing
