-- The owner that the settings name goes before the one that is there; nobody takes it away. What its usage comes
-- to is named by its unit, and is summed up anew under another one.
with old as (select unit from meter where meter_id = $1),
put as (
    insert into meter as m (meter_id, fuel_kind, direction, unit, zone, mpan, serial, region_id, owner_user_id)
    select $1, $2, $3, $4, r.zone, $5, $6, r.region_id, (select id from app_user where email = lower($8))
    from region r where r.region_id = $7
    on conflict (meter_id) do update
    set direction = excluded.direction, unit = excluded.unit,
        owner_user_id = coalesce(excluded.owner_user_id, m.owner_user_id)
    returning owner_user_id
),
misnamed as (
    delete from rollup r using old
    where old.unit is distinct from $4 and r.series_kind = 'usage' and r.subject_id = $1
      and r.feed_id in (select feed_id from feed_scope where meter_id = $1)
      and r.measure = lower(coalesce(old.unit, 'unknown'))
    returning r.*
),
due as (
    insert into rollup_dirty (series_kind, feed_id, subject_id, factor_set_id, grain, zone, period_start, tell, due_at)
    select series_kind, feed_id, subject_id, factor_set_id, grain, zone, period_start, false, '-infinity'
    from misnamed where grain = 'day' and zone = 'UTC'
    on conflict do nothing
)
select exists (select from put where owner_user_id is not null) as "owned!"
