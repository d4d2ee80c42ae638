-- Gaps do not overlap: of those that begin before the range only the last can reach it.
select start_at as "start_at!", end_at as "end_at!", state as "state!", tries as "tries!", next_try,
       opened_at as "opened_at!", closed_at
from (select * from feed_gap where feed_id = $1 and scope = $2 and start_at < $3
      order by start_at desc limit 1) before
where end_at >= $3
union all
select start_at, end_at, state, tries, next_try, opened_at, closed_at from feed_gap
where feed_id = $1 and scope = $2 and start_at >= $3 and start_at <= $4
order by 1
