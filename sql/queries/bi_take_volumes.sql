-- Takes what was counted: of connections that were not seen at $1 for good, of those that are counted for
-- a day so that the next day begins.
with gone as (
    delete from bi_session where seen_at < $1 returning *
),
full_day as (
    update bi_session s set since = $1, statements = 0, busy_ms = 0
    from (select * from bi_session where seen_at = $1 and since < $1 - interval '1 day' for update) old
    where s.pid = old.pid and s.backend_start = old.backend_start
    returning old.*
)
select t.pid as "pid!", t.user_id as "user_id!",
       (select u.email from app_user u where u.id = t.user_id) as email, t.address, t.since as "since!",
       t.seen_at as "seen_at!", t.statements as "statements!", t.busy_ms as "busy_ms!"
from (select * from gone union all select * from full_day) t
