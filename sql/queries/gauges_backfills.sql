-- How far the histories are that are being loaded. $1 now, $2 scopes at most.
select
    b.feed_id,
    l.label as "scope!",
    (sum(windows_done)::float8 / greatest(sum(windows_total), 1)) as "progress!",
    max(extract(epoch from $1 - coalesce(progress_at, started_at))) filter (where b.state = 'running')::float8 as idle
from feed_backfill b
join feed_scope_label l using (feed_id, scope)
where b.state in ('queued', 'running', 'paused')
group by 1, 2
order by 1, 2
limit $2
