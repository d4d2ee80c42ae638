-- Counts what is seen of a connection: $1 process, $2 when it began, $3 user, $4 address, $5 whether it is
-- encrypted, $6 application, $7 now, $8 when its last statement began, $9 whether that runs. A statement
-- is counted once, its time from look to look.
insert into bi_session as s
    (pid, backend_start, user_id, address, encrypted, application, since, seen_at, statements, last_query_start)
values ($1, $2, $3, $4, $5, left($6, 200), $2, $7, ($8::timestamptz is not null)::int, $8)
on conflict (pid, backend_start) do update
set statements = s.statements + (s.last_query_start is distinct from excluded.last_query_start)::int,
    busy_ms = s.busy_ms + case when $9
        then greatest(0, extract(epoch from $7 - greatest(s.seen_at, excluded.last_query_start)) * 1000)::bigint
        else 0 end,
    seen_at = $7,
    last_query_start = excluded.last_query_start
returning (xmax = 0) as "is_new!"
