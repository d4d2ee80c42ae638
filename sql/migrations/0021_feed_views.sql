-- Feeds as Tableau and other SQL tools read them: everything but usage for whoever has access, usage for
-- whose it is; with app.as_of as it was known then.

-- Whether whoever asks may read feeds: any user with access by SQL, while that is switched on.
create function bi_reads_feeds() returns boolean language plpgsql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
    who uuid := bi_user();
begin
    if bi_operator() then
        return true;
    end if;
    if who is null then
        return false;
    end if;
    if not bi_is_open() and not exists (select from app_user where id = who and role = 'admin') then
        raise exception 'access by SQL is switched off for maintenance: try again later'
            using errcode = 'cannot_connect_now';
    end if;
    return true;
end
$$;

-- The meters whose usage whoever asks may read: their own, and those that they were let in to.
create function bi_meters() returns setof text language plpgsql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
begin
    if bi_operator() then
        return query select meter_id from meter;
    elsif bi_reads_feeds() then
        return query
            select meter_id from meter where owner_user_id = bi_user()
            union
            select meter_id from meter_reader where user_id = bi_user();
    end if;
end
$$;

create view trueprice.region with (security_barrier) as
select region_id, name, zone, parent_id, country, default_feed_id
from public.region
where (select bi_reads_feeds());
comment on view trueprice.region is 'Where electricity is generated and used; zone is an IANA name.';

create view trueprice.factor_set with (security_barrier) as
select factor_set_id, provider, basis, note
from public.factor_set
where (select bi_reads_feeds());
comment on view trueprice.factor_set is 'Named sets of emission factors: another set is another series.';

create view trueprice.emission_factor with (security_barrier) as
select factor_set_id, region_id, fuel, valid_from, valid_to, g_per_kwh, source
from public.emission_factor
where (select bi_reads_feeds());
comment on view trueprice.emission_factor is 'g/kWh by fuel; region * is every other region.';

create view trueprice.carbon_intensity with (security_barrier) as
with asked as materialized (select bi_as_of() as as_of),
shown as (
    select feed_id, region_id, factor_set_id, start_at, secs, generated, consumed, marginal, raw_generated,
           raw_consumed, raw_marginal, raw_unit, quality, rev, changed_at
    from public.carbon_intensity
    where changed_at <= coalesce((select as_of from asked), 'infinity')
    union all
    select r.feed_id, r.region_id, r.factor_set_id, r.start_at, r.secs, r.generated, r.consumed, r.marginal,
           r.raw_generated, r.raw_consumed, r.raw_marginal, r.raw_unit, r.quality, r.rev, r.changed_at
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
where (select bi_reads_feeds()) and bi_settings_are_good();
comment on view trueprice.carbon_intensity is
    'Carbon intensity by slot in g/kWh, raw_* as the upstream wrote it in raw_unit; app.as_of chooses what was known.';

create view trueprice.carbon_intensity_forecast with (security_barrier) as
select f.region_id, f.feed_id, f.factor_set_id, f.issued_at, f.start_at,
       f.start_at + make_interval(secs => f.secs) as end_at, f.start_at at time zone g.zone as start_local, f.secs,
       f.generated, f.consumed, f.marginal
from public.carbon_intensity_forecast f
join public.region g using (region_id)
where (select bi_reads_feeds()) and bi_settings_are_good()
  and f.issued_at <= coalesce((select bi_as_of()), 'infinity');
comment on view trueprice.carbon_intensity_forecast is 'Forecasts of carbon intensity in g/kWh by issue and slot.';

create view trueprice.fuel_mix with (security_barrier) as
with asked as materialized (select bi_as_of() as as_of),
shown as (
    select feed_id, region_id, start_at, fuel, secs, mw, percent, n_samples, rev, changed_at
    from public.fuel_mix
    where changed_at <= coalesce((select as_of from asked), 'infinity')
    union all
    select r.feed_id, r.region_id, r.start_at, r.fuel, r.secs, r.mw, r.percent, r.n_samples, r.rev, r.changed_at
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
where (select bi_reads_feeds()) and bi_settings_are_good();
comment on view trueprice.fuel_mix is 'Generation by fuel and slot: MW, or percent where the upstream gives shares.';

create view trueprice.meter_usage with (security_barrier) as
with asked as materialized (select bi_as_of() as as_of),
mine as materialized (select bi_meters() as meter_id),
shown as (
    select meter_id, start_at, secs, quantity, quality, rev, changed_at
    from public.meter_usage
    where meter_id in (select meter_id from mine) and changed_at <= coalesce((select as_of from asked), 'infinity')
    union all
    select r.meter_id, r.start_at, r.secs, r.quantity, r.quality, r.rev, r.changed_at
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
where bi_settings_are_good();
comment on view trueprice.meter_usage is 'Usage by slot of the meters that you may read, in the meter''s unit.';

create view trueprice.usage_daily_summary with (security_barrier) as
select s.meter_id, s.local_date, s.feed_id, s.factor_set_id, s.zone, s.slots_expected, s.slots_used,
       s.slots_estimated, s.missing_by_feed, s.kwh, s.grams_co2, s.average_g_per_kwh, s.cost_exc_vat,
       s.cost_inc_vat, s.standing_exc_vat, s.standing_inc_vat, s.mix_percent, s.complete, s.rev,
       s.changed_at as known_at
from public.usage_daily_summary s
where bi_settings_are_good() and s.meter_id in (select bi_meters())
  and s.changed_at <= coalesce((select bi_as_of()), 'infinity');
comment on view trueprice.usage_daily_summary is
    'Energy, carbon and cost of a day of the meters that you may read; with app.as_of those that have not changed since.';

create view trueprice.carbon_rollup with (security_barrier) as
select r.series_kind, r.feed_id, r.subject_id, r.factor_set_id, r.measure, r.grain, r.zone, r.period_start,
       r.period_end, r.period_start at time zone r.zone as period_start_local, r.mean_time, r.mean_weighted,
       r.weight_kind, r.sum_value, r.min_value, r.max_value, r.n_expected, r.n_present, r.n_estimated, r.complete,
       r.rev, r.computed_at
from public.rollup r
where (select bi_reads_feeds()) and bi_settings_are_good()
  and r.computed_at <= coalesce((select bi_as_of()), 'infinity')
  and (r.series_kind <> 'usage' or r.subject_id in (select bi_meters()));
comment on view trueprice.carbon_rollup is
    'Hours, days, weeks and months of intensity, fuel mix and usage; with app.as_of those that were not computed since.';

-- The list of 0013 with what the views above call.
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
        'bi_user()', 'bi_operator()', 'bi_as_of()', 'bi_settled_as_of()', 'bi_selector()',
        'bi_settings_are_good()', 'bi_entitlements(smallint[])', 'admits_version(entitlement, smallint, date, boolean, boolean)',
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
    foreach f in array array[
        'bi_reads_feeds()', 'bi_meters()', 'bi_grant(text)']::regprocedure[]
    loop
        execute format('revoke execute on function %s from public', f);
    end loop;
end
$$;
select bi_grant_all();
