-- A run of a feed, as far as the asker may know of its scope: see list_fetches.sql.
-- $1 feed, $2 run, $3 asker, $4 whether the asker sees all.
select
    r.run_id, r.feed_id, r.scope, r.task_kind, r.from_at, r.to_at,
    case when $4 or r.requested_by = $3 then u.email end as requested_by,
    r.requested_at, r.started_at, r.finished_at, r.state, r.totals
from feed_run r
join feed_scope s using (feed_id, scope)
left join app_user u on u.id = r.requested_by
where r.feed_id = $1 and r.run_id = $2
    and ($4
        or s.region_id is not null and s.meter_id is null
        or s.tariff_code is not null and s.meter_id is null
        or exists (select from meter m where m.meter_id = s.meter_id and m.owner_user_id = $3)
        or exists (select from meter_reader d where d.meter_id = s.meter_id and d.user_id = $3))
