-- Reads of feeds as they were known: settled instants only, revisions found by region and time, and one rule
-- for which series of a region is meant.

-- By these the revisions of a region are found without its feed and set of factors, those of the days of a
-- meter without theirs, and those that came lately.
create index row_revision_region_idx on row_revision (table_name, split_part(series_key, '/', 2), start_at)
    where table_name in ('carbon_intensity', 'fuel_mix');
create index row_revision_summary_idx on row_revision ((old_values ->> 'meter_id'), start_at)
    where table_name = 'usage_daily_summary';
create index row_revision_newest_idx on row_revision (table_name, series_key, valid_to);

-- Whether a transaction was committed that had not ended when this view of the data was taken: what it wrote is
-- not seen here. It may have been listed as one at work, or have a number that was not yet looked at.
create function bi_is_outdated() returns boolean language plpgsql stable
set search_path = pg_catalog, public, pg_temp as $$
declare
    seen constant pg_snapshot := pg_current_snapshot();
    number bigint := pg_snapshot_xmax(seen)::text::bigint;
begin
    if exists (select from pg_snapshot_xip(seen) x where pg_xact_status(x) = 'committed') then
        return true;
    end if;
    while pg_xact_status(number::text::xid8) <> 'committed' loop
        number := number + 1;
    end loop;
    return true;
exception when invalid_parameter_value then
    -- There is no such transaction yet.
    return false;
end
$$;

-- app.as_of where what was known by then cannot grow any more; null is now.
--
-- A load assigns changed_at under its advisory lock (7427, summaries 7430), after its transaction has its number,
-- and gives the lock back with its commit. What was changed by an instant before this transaction and is not seen
-- by it is therefore of a load that still holds its lock, or of one that was committed since this view of the
-- data was taken. What a transaction that has ended was, nobody can tell: any counts, for as long as a load may
-- take.
create function bi_feeds_as_of() returns timestamptz language plpgsql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
    instant timestamptz := bi_as_of();
    longest constant interval := '10 minutes';
begin
    if instant is null then
        return null;
    end if;
    if instant >= transaction_timestamp()
        or exists (
            select from pg_locks l left join pg_stat_activity a using (pid)
            where l.locktype = 'advisory' and l.classid in (7427, 7430) and l.objsubid = 2 and l.granted
              and l.mode = 'ExclusiveLock'
              and l.database = (select oid from pg_database where datname = current_database())
              and coalesce(a.xact_start, transaction_timestamp() - longest) <= instant)
        or instant > transaction_timestamp() - longest and bi_is_outdated()
    then
        raise exception 'what was known by app.as_of is still being prepared: ask again in a moment, in a new transaction'
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    return instant;
end
$$;

-- True, and an error where app.as_of is set: what a view shows is computed anew, and what it was is not kept.
create function bi_is_now(view_name text, instead text) returns boolean language plpgsql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
    if bi_as_of() is not null then
        raise exception '% does not keep what it was: unset app.as_of, or sum up %', view_name, instead
            using errcode = 'feature_not_supported';
    end if;
    return true;
end
$$;

-- Of a revision only what its view shows is read from the former row; its key is in columns, so that conditions
-- on region, feed, meter and time choose revisions by their indexes. Whether the instant is settled is asked
-- before anything is read, whatever there is.
create or replace view trueprice.carbon_intensity with (security_barrier) as
with asked as materialized (select bi_feeds_as_of() as as_of),
shown as (
    select feed_id, region_id, factor_set_id, start_at, secs, generated, consumed, marginal, raw_generated,
           raw_consumed, raw_marginal, raw_unit, quality, rev, changed_at
    from public.carbon_intensity
    where changed_at <= coalesce((select as_of from asked), 'infinity')
    union all
    select split_part(v.series_key, '/', 1), split_part(v.series_key, '/', 2), r.factor_set_id, v.start_at, r.secs,
           r.generated, r.consumed, r.marginal, r.raw_generated, r.raw_consumed, r.raw_marginal, r.raw_unit,
           r.quality, v.rev, v.valid_from
    from row_revision v
    cross join lateral jsonb_populate_record(null::public.carbon_intensity, v.old_values) r
    where (select as_of from asked) is not null and v.table_name = 'carbon_intensity'
      and v.valid_from <= (select as_of from asked) and v.valid_to > (select as_of from asked)
)
select c.region_id, c.feed_id, c.factor_set_id, c.start_at, c.start_at + make_interval(secs => c.secs) as end_at,
       c.start_at at time zone g.zone as start_local, c.secs, c.generated, c.consumed, c.marginal,
       c.raw_generated, c.raw_consumed, c.raw_marginal, c.raw_unit, c.quality, c.rev, c.changed_at as known_at
from shown c
join public.region g using (region_id)
where (select bi_reads_feeds()) and bi_settings_are_good()
  and coalesce((select as_of from asked) <= 'infinity', true);

create or replace view trueprice.carbon_intensity_forecast with (security_barrier) as
with asked as materialized (select bi_feeds_as_of() as as_of)
select f.region_id, f.feed_id, f.factor_set_id, f.issued_at, f.start_at,
       f.start_at + make_interval(secs => f.secs) as end_at, f.start_at at time zone g.zone as start_local, f.secs,
       f.generated, f.consumed, f.marginal, f.known_at
from public.carbon_intensity_forecast f
join public.region g using (region_id)
where (select bi_reads_feeds()) and bi_settings_are_good()
  and coalesce((select as_of from asked) <= 'infinity', true)
  and f.known_at <= coalesce((select as_of from asked), 'infinity');

create or replace view trueprice.fuel_mix with (security_barrier) as
with asked as materialized (select bi_feeds_as_of() as as_of),
shown as (
    select feed_id, region_id, start_at, fuel, secs, mw, percent, n_samples, rev, changed_at
    from public.fuel_mix
    where changed_at <= coalesce((select as_of from asked), 'infinity')
    union all
    select split_part(v.series_key, '/', 1), split_part(v.series_key, '/', 2), v.start_at, r.fuel, r.secs, r.mw,
           r.percent, r.n_samples, v.rev, v.valid_from
    from row_revision v
    cross join lateral jsonb_populate_record(null::public.fuel_mix, v.old_values) r
    where (select as_of from asked) is not null and v.table_name = 'fuel_mix'
      and v.valid_from <= (select as_of from asked) and v.valid_to > (select as_of from asked)
)
select m.region_id, m.feed_id, m.start_at, m.start_at + make_interval(secs => m.secs) as end_at,
       m.start_at at time zone g.zone as start_local, m.secs, m.fuel, m.mw, m.percent, m.n_samples, m.rev,
       m.changed_at as known_at
from shown m
join public.region g using (region_id)
where (select bi_reads_feeds()) and bi_settings_are_good()
  and coalesce((select as_of from asked) <= 'infinity', true);

create or replace view trueprice.meter_usage with (security_barrier) as
with asked as materialized (select bi_feeds_as_of() as as_of),
mine as materialized (select bi_meters() as meter_id),
shown as (
    select meter_id, start_at, secs, quantity, quality, rev, changed_at
    from public.meter_usage
    where meter_id in (select meter_id from mine) and changed_at <= coalesce((select as_of from asked), 'infinity')
    union all
    select v.series_key, v.start_at, r.secs, r.quantity, r.quality, v.rev, v.valid_from
    from row_revision v
    cross join lateral jsonb_populate_record(null::public.meter_usage, v.old_values) r
    where (select as_of from asked) is not null and v.table_name = 'meter_usage'
      and v.series_key in (select meter_id from mine)
      and v.valid_from <= (select as_of from asked) and v.valid_to > (select as_of from asked)
)
select u.meter_id, u.start_at, u.start_at + make_interval(secs => u.secs) as end_at,
       u.start_at at time zone m.zone as start_local, u.secs, u.quantity, m.unit, u.quality, u.rev,
       u.changed_at as known_at
from shown u
join public.meter m using (meter_id)
where bi_settings_are_good()
  and coalesce((select as_of from asked) <= 'infinity', true);

create or replace view trueprice.usage_daily_summary with (security_barrier) as
with asked as materialized (select bi_feeds_as_of() as as_of),
mine as materialized (select bi_meters() as meter_id),
shown as (
    select s.*
    from public.usage_daily_summary s
    where s.meter_id in (select meter_id from mine)
      and s.changed_at <= coalesce((select as_of from asked), 'infinity')
    union all
    select r.*
    from row_revision v
    cross join lateral jsonb_populate_record(null::public.usage_daily_summary, v.old_values) r
    where (select as_of from asked) is not null and v.table_name = 'usage_daily_summary'
      and v.old_values ->> 'meter_id' in (select meter_id from mine)
      and v.valid_from <= (select as_of from asked) and v.valid_to > (select as_of from asked)
)
select s.meter_id, s.local_date, s.feed_id, s.factor_set_id, s.zone, s.slots_expected, s.slots_used,
       s.slots_estimated, s.missing_by_feed, s.kwh, s.grams_co2, s.average_g_per_kwh, s.cost_exc_vat,
       s.cost_inc_vat, s.standing_exc_vat, s.standing_inc_vat, s.mix_percent, s.complete, s.rev,
       s.changed_at as known_at
from shown s
where bi_settings_are_good()
  and coalesce((select as_of from asked) <= 'infinity', true);
comment on view trueprice.usage_daily_summary is
    'Energy, carbon and cost of a day of the meters that you may read; app.as_of chooses what was known.';

create or replace view trueprice.carbon_rollup with (security_barrier) as
select r.series_kind, r.feed_id, r.subject_id, r.factor_set_id, r.measure, r.grain, r.zone, r.period_start,
       r.period_end, r.period_start at time zone r.zone as period_start_local, r.mean_time, r.mean_weighted,
       r.weight_kind, r.sum_value, r.min_value, r.max_value, r.n_expected, r.n_present, r.n_estimated, r.complete,
       r.rev, r.computed_at
from public.rollup r
where (select bi_reads_feeds()) and bi_settings_are_good()
  and bi_is_now('trueprice.carbon_rollup', 'trueprice.carbon_intensity, fuel_mix or meter_usage')
  and (r.series_kind <> 'usage' or r.subject_id in (select bi_meters()));
comment on view trueprice.carbon_rollup is
    'Hours, days, weeks and months of intensity, fuel mix and usage as they are now; app.as_of is refused.';

-- Which series of a region goes before which where nobody names a feed or a set of factors: those with rows
-- first, those of the region's default feed, of a feed that is on, under the feed's default set.
create view series_by_choice as
select s.region_id, s.feed_id, s.factor_set_id, f.primary_metric is not null as is_measured, h.has_rows,
       row_number() over (
           partition by s.region_id
           order by h.has_rows desc, s.feed_id is distinct from r.default_feed_id, not f.enabled,
                    s.factor_set_id is distinct from f.default_factor_set, s.feed_id, s.factor_set_id) as place
from intensity_series s
join region r using (region_id)
join feed f using (feed_id)
cross join lateral (
    select exists (
        select from carbon_intensity c
        where (c.feed_id, c.region_id, c.factor_set_id) = (s.feed_id, s.region_id, s.factor_set_id)) as has_rows
) h;

-- The one series of each region that is shown where nobody names one.
create or replace view region_series as
select distinct on (region_id) region_id, feed_id, factor_set_id
from series_by_choice
where has_rows
order by region_id, place;

-- The list of 0021 with what the views above call.
create or replace function bi_grant(role_name text) returns void language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
    f regprocedure;
begin
    execute format('revoke create, temporary on database %I from public', current_database());
    execute format('grant connect on database %I to %I', current_database(), role_name);
    execute format('grant usage on schema trueprice, bi to %I', role_name);
    execute format('grant select on all tables in schema trueprice, bi to %I', role_name);
    -- What views call is called by whoever asks.
    foreach f in array array[
        'bi_user()', 'bi_operator()', 'bi_as_of()', 'bi_settled_as_of()', 'bi_feeds_as_of()', 'bi_is_now(text, text)',
        'bi_selector()', 'bi_settings_are_good()', 'bi_entitlements(smallint[])',
        'admits_version(entitlement, smallint, date, boolean, boolean)',
        'admits_labels(entitlement, series)', 'admits_block(entitlement, text)',
        'admits_derived(entitlement, text[])', 'bi_reads_feeds()', 'bi_meters()']::regprocedure[]
    loop
        execute format('grant execute on function %s to %I', f, role_name);
    end loop;
end
$$;

do $$
declare
    f regprocedure;
begin
    foreach f in array array['bi_is_outdated()', 'bi_feeds_as_of()', 'bi_is_now(text, text)']::regprocedure[]
    loop
        execute format('revoke execute on function %s from public', f);
    end loop;
end
$$;
select bi_grant_all();
