select s.feed_id, s.scope, s.state, s.enabled, w.high_water as "high_water?", w.contiguous_to as "contiguous_to?",
       (select count(*) from feed_gap g
        where (g.feed_id, g.scope) = (s.feed_id, s.scope) and g.state = 'open') as "open_gaps!",
       case when not t.paused and t.next_due < $2 then t.next_due end as next_due,
       t.last_ok as "last_ok?", t.last_error as "last_error?", coalesce(t.fail_count, 0) as "fail_count!"
from feed_scope s
left join feed_watermark w on (w.feed_id, w.scope) = (s.feed_id, s.scope)
left join feed_task t on (t.feed_id, t.scope, t.task_kind) = (s.feed_id, s.scope, 'live')
where $1::text is null or s.feed_id = $1
order by s.feed_id, s.scope
