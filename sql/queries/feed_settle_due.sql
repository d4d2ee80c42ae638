update feed_task t set next_due = case when s.enabled then $1 else $2::timestamptz end
from feed_scope s
where (s.feed_id, s.scope) = (t.feed_id, t.scope)
  and (not s.enabled and t.next_due < $2 and t.task_kind <> 'manual'
       or s.enabled and t.next_due >= $2 and (
           t.task_kind in ('live', 'sweep')
           or t.task_kind = 'backfill' and exists (
               select from feed_backfill b
               where (b.feed_id, b.scope) = (s.feed_id, s.scope) and b.state in ('queued', 'running'))))
