-- How the scopes of some feeds fare, as far as the reader may know of their meters.
select s.feed_id, s.scope, s.region_id, r.name as "region_name?", s.meter_id, s.tariff_code, s.enabled,
       greatest(s.first_available, w.begins_at) as "first_available!",
       w.high_water as "high_water?", w.contiguous_to as "contiguous_to?",
       coalesce(live.paused, false) as "paused!",
       case when last.last_error is null then 0 else greatest(live.fail_count, last.fail_count) end as "fail_count!",
       last.last_class as "last_class?", well.last_ok as "last_ok?", last.last_try as "last_try?",
       last.last_error as "last_error?", due.next_due as "next_due?",
       gap.number as "open_gaps!", gap.seconds as "open_gap_secs!"
from feed_scope s
left join region r on r.region_id = s.region_id
left join feed_watermark w on w.feed_id = s.feed_id and w.scope = s.scope
left join feed_task live on live.feed_id = s.feed_id and live.scope = s.scope and live.task_kind = 'live'
-- What tells of the present: polls, and what somebody asked for.
left join lateral (
    select t.last_class, t.last_try, t.last_error, t.fail_count from feed_task t
    where t.feed_id = s.feed_id and t.scope = s.scope and t.task_kind in ('live', 'manual') and t.last_try is not null
    order by t.last_try desc, t.task_id desc
    limit 1
) last on true
cross join lateral (
    select max(t.last_ok) as last_ok from feed_task t
    where t.feed_id = s.feed_id and t.scope = s.scope and t.task_kind in ('live', 'manual')
) well
cross join lateral (
    select min(t.next_due) as next_due from feed_task t
    where t.feed_id = s.feed_id and t.scope = s.scope and not t.paused and t.next_due < $5
) due
cross join lateral (
    select count(*) as number, coalesce(sum(extract(epoch from g.end_at - g.start_at)), 0)::bigint as seconds
    from feed_gap g where g.feed_id = s.feed_id and g.scope = s.scope and g.state = 'open'
) gap
where s.feed_id = any($1) and ($2::text is null or s.scope = $2)
  and ($3 or s.meter_id is null and (s.region_id is not null or s.tariff_code is not null)
       or exists (select from meter m where m.meter_id = s.meter_id and m.owner_user_id = $4)
       or exists (select from meter_reader m where m.meter_id = s.meter_id and m.user_id = $4))
order by s.feed_id, s.enabled desc, s.scope
