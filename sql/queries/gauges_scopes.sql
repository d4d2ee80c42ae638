-- How the scopes of feeds are. $1 now, $2 scopes at most.
select
    s.feed_id,
    l.label as "scope!",
    extract(epoch from $1 - w.high_water)::float8 as lag,
    extract(epoch from task.last_ok)::float8 as last_ok,
    task.failures::float8 as failures,
    task.refused as "refused!",
    coalesce(gap.slots, 0)::float8 as "gap_slots!",
    coalesce(extract(epoch from $1 - gap.opened_at), 0)::float8 as "gap_age!",
    answer.rejected::float8 as "rejected!"
from feed_scope s
join feed_scope_label l using (feed_id, scope)
join feed f using (feed_id)
left join feed_watermark w using (feed_id, scope)
cross join lateral (
    select
        max(last_ok) as last_ok,
        max(fail_count) as failures,
        coalesce(bool_or(last_class = 'auth'), false) as refused
    from feed_task t
    where t.feed_id = s.feed_id and t.scope = s.scope
) task
cross join lateral (
    select sum(extract(epoch from end_at - start_at) / f.step_secs) as slots, min(opened_at) as opened_at
    from feed_gap g
    where g.feed_id = s.feed_id and g.scope = s.scope and g.state = 'open'
) gap
cross join lateral (
    -- Of the last answers, how many were rejected since one was not.
    select count(*) filter (where good = 0) as rejected
    from (
        select count(*) filter (where class <> 'bad_body') over (order by fetch_id desc) as good
        from (
            select fetch_id, class
            from feed_fetch e
            where e.feed_id = s.feed_id and e.scope = s.scope
            order by fetch_id desc
            limit 10
        ) last
    ) counted
) answer
where s.enabled and f.enabled
order by s.feed_id, s.scope
limit $2
