-- Tableau and other BI tools: a login role of PostgreSQL for each user, views that show each of them
-- what their grants allow, and the computed prices that the views need.

-- Prices of every hour are computed in one place, extractors::standardise, and kept for the views: a
-- version waits here from its publication until they are.
create table derivation_due (
    version_id bigint primary key references curve_version,
    -- Its prices are there and are computed anew: they are shown meanwhile.
    again boolean not null default false
);
comment on table derivation_due is 'Versions whose computed prices are not up to date.';

create table derivation_state (
    only_row boolean primary key default true,
    -- bi::derive::REVISION of the program that computed what is stored.
    revision integer not null default 0,
    constraint derivation_state_row_check check (only_row)
);
insert into derivation_state default values;

-- How a stored series of energy or nonenergy is printed: its block, and its names without units.
create table printed_series (
    series_id bigint primary key references series,
    block_type text not null,
    cost_component text not null,
    sub_component text not null,
    uom text not null,
    -- It multiplies others and is never listed.
    is_scaler boolean not null
);

-- A computed column of a version, as a download with strip=all has it.
create table derived_curve (
    version_id bigint not null references curve_version,
    place integer not null,
    -- derived: of several series; converted: of one, whose place it takes.
    kind text not null,
    -- The series that it is computed of. The first one gives it its labels.
    members bigint[] not null,
    label_series bigint not null references series,
    -- The stored block types of the members in lower case, each once.
    blocks text[] not null,
    block_type text not null,
    uom text not null,
    lookup_id text,
    -- In axis order, with the decimals that a download prints.
    values numeric[] not null,
    -- Why a value is missing, in axis order; null where none is.
    reasons text[],
    primary key (version_id, place),
    constraint derived_curve_kind_check check (kind in ('derived', 'converted')),
    constraint derived_curve_members_check check (label_series = members[1])
);
alter table derived_curve alter column values set storage external;
create index derived_curve_converted_idx on derived_curve (version_id, label_series) where kind = 'converted';
comment on table derived_curve is 'What bi.points shows beside stored series; computed again whenever the rules change.';

create function tell_derivation() returns trigger language plpgsql as $$
begin
    if exists (select from dataset where id = new.dataset_id and family in ('energy', 'nonenergy')) then
        insert into derivation_due (version_id) values (new.id);
        perform pg_notify('derivation', '');
    end if;
    return null;
end
$$;
create trigger curve_version_derivation after insert on curve_version
    for each row execute function tell_derivation();
insert into derivation_due (version_id)
select v.id from curve_version v join dataset d on d.id = v.dataset_id where d.family in ('energy', 'nonenergy');

create table reference_hours (
    iso text not null,
    calendar text not null,
    month date not null,
    hours_5x16 smallint not null,
    hours_2x16 smallint not null,
    hours_7x8 smallint not null,
    hours_7x24 smallint not null,
    hours_wd smallint not null,
    hours_we smallint not null,
    hours_on_peak smallint not null,
    hours_off_peak smallint not null,
    primary key (iso, calendar, month)
);
comment on table reference_hours is 'domain::MonthHours as rows, written by the server when it starts.';

-- Who may log in to the database.
create table bi_role (
    user_id uuid primary key references app_user on delete cascade,
    name text not null generated always as ('bi_' || replace(user_id::text, '-', '')) stored,
    created_at timestamptz not null,
    rotated_at timestamptz not null,
    last_login_at timestamptz,
    -- Locked by an administrator, besides the lock of a user who is disabled.
    locked_at timestamptz,
    constraint bi_role_name_key unique (name)
);

-- Connections that the watchdog has seen and not yet accounted for.
create table bi_session (
    pid integer not null,
    backend_start timestamptz not null,
    user_id uuid not null,
    address text,
    encrypted boolean not null,
    application text not null,
    -- Since when the counts below count.
    since timestamptz not null,
    seen_at timestamptz not null,
    -- Statements that were seen, and how long statements were seen to run: looks are some seconds
    -- apart, so that both are at the least.
    statements bigint not null default 0,
    busy_ms bigint not null default 0,
    last_query_start timestamptz,
    primary key (pid, backend_start)
);

-- Who asks.

-- The user that the login role of this session belongs to. Only a superuser can change the session
-- user; a role of BI cannot even change its current user, for it is a member of nothing.
create function bi_user() returns uuid language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
    select r.user_id from bi_role r join app_user u on u.id = r.user_id
    where r.name = session_user and u.disabled_at is null and r.locked_at is null
$$;

-- Whoever keeps the database sees all of it.
create function bi_operator() returns boolean language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
    select exists (
        select from pg_roles r
        where r.rolname = session_user
          and (r.rolsuper or r.oid = (select datdba from pg_database where datname = current_database())
               or r.oid = (select relowner from pg_class where oid = 'public.bi_role'::regclass)))
$$;

-- set app.as_of: the instant up to which is known; empty or unset is now.
create function bi_as_of() returns timestamptz language plpgsql stable
set search_path = pg_catalog, pg_temp as $$
declare
    written text := coalesce(current_setting('app.as_of', true), '');
    instant timestamptz;
begin
    if written = '' then
        return null;
    end if;
    if written !~ '^\d{4}-\d\d-\d\d[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$' then
        raise exception 'app.as_of is %: give an instant with its offset, such as 2031-03-04T09:30:00Z', quote_literal(written)
            using errcode = 'invalid_parameter_value';
    end if;
    begin
        -- Microseconds, cut as everywhere else.
        instant := regexp_replace(written, '(\.\d{6})\d+', '\1')::timestamptz;
    exception when data_exception then
        raise exception 'app.as_of is %: there is no such instant', quote_literal(written)
            using errcode = 'invalid_parameter_value';
    end;
    if instant > clock_timestamp() then
        raise exception 'app.as_of is %: that lies in the future', quote_literal(written)
            using errcode = 'invalid_parameter_value';
    end if;
    return instant;
end
$$;

-- set app.version: which versions of an operating day the views of schema bi show.
create function bi_selector() returns text language plpgsql stable
set search_path = pg_catalog, pg_temp as $$
declare
    written text := coalesce(nullif(current_setting('app.version', true), ''), 'latest');
begin
    if written not in ('latest', 'cob', 'intraday', 'all') then
        raise exception 'app.version is %: known are latest, cob, intraday, all', quote_literal(written)
            using errcode = 'invalid_parameter_value';
    end if;
    return written;
end
$$;

-- A setting that is wrong is an error whatever there is to see: as a condition that depends on nothing, this
-- is looked at before anything is read.
create function bi_settings_are_good() returns boolean language sql stable
    return coalesce(bi_as_of(), 'infinity') <= 'infinity' and bi_selector() is not null;

-- The grants of whoever asks, for some sources or for all. It takes nothing that says who that is.
create function bi_entitlements(sources smallint[]) returns setof entitlement language plpgsql stable
security definer rows 4 parallel restricted set search_path = pg_catalog, public, pg_temp as $$
declare
    who uuid;
    everything entitlement;
begin
    if bi_operator() then
        everything.cob_only := false;
        everything.current_only := false;
        everything.derived := true;
        return next everything;
        return;
    end if;
    who := bi_user();
    if who is null then
        return;
    end if;
    -- The switch of the API, which BI follows, is a later step's; administrators pass.
    if to_regprocedure('public.bi_is_open()') is not null then
        if not public.bi_is_open() and not exists (select from app_user where id = who and role = 'admin') then
            raise exception 'access by SQL is switched off for maintenance: try again later'
                using errcode = 'cannot_connect_now';
        end if;
    end if;
    return query select * from entitlements(
        who, coalesce(sources, array(select id from source)), statement_timestamp());
end
$$;

-- The views of each dataset: the statement of 0003 and 0005, its columns as they are, with the one rule
-- beside it. Grants are resolved once for each statement; whether one of them lets a series of a version
-- through, and which months then, is asked once for each series of a version; only the months of a
-- window are compared point by point.
do $$
declare
    kind record;
    d record;
    reading record;
    view_name text;
begin
    for kind in
        select * from (values
            ('energy', 'p.month, p.data', null, 'month', 'p.month',
             'cross join lateral unnest(v.months, c.values) as p (month, data)'),
            ('nonenergy', 'p.month, p.data', null, 'month', 'p.month',
             'cross join lateral unnest(v.months, c.values) as p (month, data)'),
            ('rec', 'p.month, p.data', null, 'month', 'p.month',
             'cross join lateral unnest(v.months, c.values) as p (month, data)'),
            ('ptc', 'p.month, p.data',
             's.utility_name, s.load_profile, s.matching_id, s.lookup_id', null, null,
             'cross join lateral unnest(v.months, c.values) as p (month, data)'),
            ('matrix', 'p.data',
             's.load_profile, s.matching_id, s.lookup_id, s.term, s.beginning_date', 'component', null,
             'cross join lateral unnest(v.components, v.component_units, c.values) as p (component, unit, data)'),
            ('loadprofile', 'date_trunc(''month'', p.date)::date as month, p.date, p.he, p.data',
             's.customer_type', null, null,
             'cross join lateral unnest(v.dates, v.hours, c.values) as p (date, he, data)'),
            ('shaping', 'date_trunc(''month'', p.date)::date as month, p.date, p.he, p.data', null, 'month', 'p.date',
             'cross join lateral unnest(v.dates, v.hours, c.values) as p (date, he, data)'),
            ('vlr', 'p.month_number, p.he, p.data', null, null, null,
             'cross join lateral unnest(v.month_numbers, v.hours, c.values) as p (month_number, he, data)'),
            ('lineloss', 'c.values[1] as data', null, null, null, '')
        ) as t (family, place, labels, windowed, day, places)
    loop
        for d in select * from dataset where family = kind.family loop
            for reading in
                select * from (values ('', 'is null'), ('_history', 'is not null')) as t (suffix, condition)
            loop
                view_name := d.iso || '_' || d.family || reading.suffix;
                execute format($view$
                    create or replace view trueprice.%1$I with (security_barrier) as
                    with asked as materialized (select bi_as_of() as as_of),
                    e as materialized (
                        select * from bi_entitlements(array[%2$s]::smallint[]) where coalesce(dataset_id, %2$s) = %2$s
                    )
                    select v.curve_timestamp as curvestart,
                           case when (select as_of from asked) is null then v.valid_to else later.valid_to end as curveend,
                           v.operating_day, v.cob, %3$s,
                           s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility,
                           s.block_type as strip, s.cost_group, s.cost_component,
                           %4$s as sub_cost_component, %5$s as unit, v.id as version_id%6$s
                    from curve_version v
                    cross join lateral (
                        -- As of then: superseded only by what was known, too.
                        select min(w.curve_timestamp) as valid_to
                        from curve_version w
                        where (select as_of from asked) is not null and w.dataset_id = v.dataset_id
                          and w.operating_day = v.operating_day and w.curve_timestamp > v.curve_timestamp
                          and w.known_at <= (select as_of from asked)
                    ) later
                    join %7$I c on c.dataset_id = v.dataset_id and c.version_id = v.id
                    join series s on s.id = c.series_id
                    cross join lateral (
                        select coalesce(lower(range_agg(w.months)), '-infinity') as first,
                               coalesce(upper(range_agg(w.months)), 'infinity') as past,
                               range_agg(w.months) = multirange(range_merge(range_agg(w.months))) as is_one,
                               range_agg(w.months) as months,
                               bool_or(e.sub_components is null) as whole, array_agg(k.component) as components
                        from e
                        cross join lateral (
                            select daterange(e.first_month, (e.last_month + interval '1 month')::date) as months
                        ) w
                        left join lateral unnest(e.sub_components) as k (component) on true
                        where admits_version(e, %2$s::smallint, v.operating_day, v.cob, v.valid_to is null)
                          and admits_labels(e, s) and admits_block(e, s.block_type)
                    ) g
                    %8$s
                    where bi_settings_are_good() and v.dataset_id = %2$s and g.months is not null
                      and v.known_at <= coalesce((select as_of from asked), 'infinity')
                      and case when (select as_of from asked) is null then v.valid_to else later.valid_to end %9$s
                      %10$s
                    $view$, view_name, d.id, kind.place,
                    case kind.family when 'matrix' then 'p.component' else 's.sub_component' end,
                    case kind.family when 'matrix' then 'p.unit' else 's.unit' end,
                    coalesce(', ' || kind.labels, ''), format('curve_%s_%s', d.iso, d.family), kind.places,
                    reading.condition,
                    case kind.windowed
                        when 'month' then format(
                            'and %1$s >= g.first and %1$s < g.past and (g.is_one or %1$s <@ g.months)', kind.day)
                        when 'component' then 'and (g.whole or p.component = any(g.components))'
                    end);
            end loop;
        end loop;
    end loop;
end
$$;

create schema bi;
comment on schema bi is 'Everything in tidy tables, as GET /api/v1/data?layout=long has it.';

-- What is known by app.as_of. Prices that were known by then and are not yet computed would come into an
-- answer later: it is refused for that moment instead.
create function bi_settled_as_of() returns timestamptz language plpgsql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
    instant timestamptz := bi_as_of();
begin
    if exists (select from derivation_due q join curve_version v on v.id = q.version_id
               where not q.again and v.known_at <= instant
                 -- What the login may not see keeps it from nothing.
                 and exists (select from bi_entitlements(null) e
                             where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))) then
        raise exception 'a version known by app.as_of is still being prepared: ask again in a moment'
            using errcode = 'object_not_in_prerequisite_state';
    end if;
    return instant;
end
$$;

-- The versions that somebody may see and asks for. A version is there as a whole or not at all: not before
-- its prices are computed.
create view bi_chosen_version as
with asked as materialized (select bi_settled_as_of() as as_of, bi_selector() as selector),
e as materialized (select * from bi_entitlements(null))
select v.id, v.dataset_id, d.family, d.iso, v.curve_timestamp, v.operating_day, v.cob, v.known_at,
       v.valid_to is null as is_current, later.valid_to, v.first_month, v.last_month,
       v.months, v.dates, v.month_numbers, v.hours, v.components, v.component_units
from curve_version v
join dataset d on d.id = v.dataset_id
cross join asked
cross join lateral (
    select min(w.curve_timestamp) as valid_to
    from curve_version w
    where w.dataset_id = v.dataset_id and w.operating_day = v.operating_day
      and w.curve_timestamp > v.curve_timestamp
      and w.known_at < 'infinity' and w.known_at <= coalesce(asked.as_of, 'infinity')
) later
where v.known_at < 'infinity' and v.known_at <= coalesce(asked.as_of, 'infinity')
  and (asked.selector in ('all', 'latest') or d.family <> 'energy' or v.cob = (asked.selector = 'cob'))
  and exists (select from e where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
  and not exists (select from derivation_due q where q.version_id = v.id and not q.again)
  -- Of each operating day the newest that is visible and of the kind that is asked for.
  and (asked.selector = 'all' or not exists (
      select from curve_version w
      where w.dataset_id = v.dataset_id and w.operating_day = v.operating_day
        and w.curve_timestamp > v.curve_timestamp
        and w.known_at < 'infinity' and w.known_at <= coalesce(asked.as_of, 'infinity')
        and (asked.selector = 'latest' or d.family <> 'energy' or w.cob = (asked.selector = 'cob'))
        and exists (select from e
                    where admits_version(e, w.dataset_id, w.operating_day, w.cob, w.valid_to is null))
        and not exists (select from derivation_due q where q.version_id = w.id and not q.again)));

create view bi_chosen_headroom as
with asked as materialized (select bi_as_of() as as_of, bi_selector() as selector),
e as materialized (select * from bi_entitlements(null))
select v.id, v.dataset_id, o.iso, v.curve_timestamp, v.operating_day, v.ptc_timestamp, v.known_at,
       v.ended_at is null as is_current
from headroom_version v
join source o on o.id = v.dataset_id
cross join asked
where v.known_at < 'infinity' and v.known_at <= coalesce(asked.as_of, 'infinity')
  and exists (select from e where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null))
  and (asked.selector = 'all' or not exists (
      select from headroom_version w
      where w.dataset_id = v.dataset_id and w.operating_day = v.operating_day and w.known_at > v.known_at
        and w.known_at < 'infinity' and w.known_at <= coalesce(asked.as_of, 'infinity')
        and exists (select from e
                    where admits_version(e, w.dataset_id, w.operating_day, false, w.ended_at is null))));

-- Stored series as they are printed. A load in kWh prints in MWh, a ratio in percent: ten to the power of
-- shift times the value.
create view bi_printed_series as
select s.id, s.dataset_id, s as stored, s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility,
       coalesce(n.block_type, case d.family when 'rec' then upper(s.block_type) else lower(s.block_type) end)
           as block_type,
       s.cost_group, coalesce(n.cost_component, s.cost_component) as cost_component,
       coalesce(n.sub_component, s.sub_component) as sub_component,
       s.customer_type, s.load_profile, s.matching_id, s.lookup_id, s.term, s.beginning_date,
       case when shift = -3 then 'MWh' else coalesce(n.uom, s.unit) end as uom,
       shift, coalesce(n.is_scaler, false) as is_scaler
from series s
join dataset d on d.id = s.dataset_id
left join printed_series n on n.series_id = s.id
cross join lateral (
    select case when d.family = 'loadprofile' and s.unit = 'kWh' then -3
                when d.family = 'vlr' and s.unit = '%' then 2 end as shift
) f;

create view bi.datasets with (security_barrier) as
with e as materialized (select * from bi_entitlements(null))
select o.family as curve, o.iso, v.first_operating_day, v.last_operating_day, v.latest_curve_timestamp
from source o
left join (
    select dataset_id, min(operating_day) as first_operating_day, max(operating_day) as last_operating_day,
           max(curve_timestamp) as latest_curve_timestamp
    from (select dataset_id, operating_day, curve_timestamp from bi_chosen_version
          union all
          select dataset_id, operating_day, curve_timestamp from bi_chosen_headroom) chosen
    group by dataset_id
) v on v.dataset_id = o.id
where bi_settings_are_good() and exists (select from e where e.dataset_id is null or e.dataset_id = o.id);
comment on view bi.datasets is 'What you have a grant for, and the operating days that it has';

create view bi.versions with (security_barrier) as
select family as curve, iso, id as version_id, curve_timestamp, operating_day, cob, known_at, valid_to,
       first_month as first_contract_month, last_month as last_contract_month
from bi_chosen_version
where bi_settings_are_good();
comment on view bi.versions is 'The versions that app.version and app.as_of choose among those you may see';

create view bi.series with (security_barrier) as
with e as materialized (select * from bi_entitlements(null))
select d.family as curve, d.iso, s.id as series_id, s.control_area, s.state, s.load_zone, s.capacity_zone,
       s.utility, s.block_type, s.cost_group, s.cost_component, s.sub_component, s.customer_type,
       s.load_profile, s.matching_id, s.lookup_id, s.uom, s.term, s.beginning_date
from bi_printed_series s
join dataset d on d.id = s.dataset_id
where bi_settings_are_good() and not s.is_scaler
  and exists (
      select from curve c
      join curve_version v on v.id = c.version_id
      join e on admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)
            and admits_labels(e, s.stored) and admits_block(e, (s.stored).block_type)
      where c.series_id = s.id and c.dataset_id = s.dataset_id and v.known_at < 'infinity'
        and v.known_at <= coalesce(bi_as_of(), 'infinity'));
comment on view bi.series is 'The series of files that you may see, in the names that they are printed under';

create view bi.points with (security_barrier) as
with e as materialized (select * from bi_entitlements(null))
-- What files hold.
select v.family as curve, v.iso, v.id as version_id, v.curve_timestamp, v.operating_day, v.cob, v.known_at,
       s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility, s.block_type, s.cost_group,
       s.cost_component,
       case when v.components is null then s.sub_component else p.component end as sub_component,
       s.customer_type, s.load_profile, s.matching_id, coalesce(s.lookup_id, c.lookup_id) as lookup_id,
       case when v.components is null then s.uom else p.component_unit end as uom,
       case when s.shift is null then 'native' else 'converted' end as kind,
       p.month as contract_month, p.date, p.month_number as month, p.he, s.term, s.beginning_date,
       'value' as measure,
       case when s.shift is null then trim_scale(p.value) else trim_scale(p.value * 10::numeric ^ s.shift) end
           as value,
       case p.notation when 'e' then 'empty' when 'b' then 'blank' when '#' then 'na' end as missing_reason
from bi_chosen_version v
join curve c on c.dataset_id = v.dataset_id and c.version_id = v.id
join bi_printed_series s on s.id = c.series_id
cross join lateral (
    select coalesce(lower(range_agg(w.months)), '-infinity') as first,
           coalesce(upper(range_agg(w.months)), 'infinity') as past,
           range_agg(w.months) = multirange(range_merge(range_agg(w.months))) as is_one,
           range_agg(w.months) as months,
           bool_or(e.sub_components is null) as whole, array_agg(k.component) as components
    from e
    cross join lateral (select daterange(e.first_month, (e.last_month + interval '1 month')::date) as months) w
    left join lateral unnest(e.sub_components) as k (component) on true
    where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.is_current)
      and admits_labels(e, s.stored) and admits_block(e, (s.stored).block_type)
) g
cross join lateral unnest(v.months, v.dates, v.month_numbers, v.hours, v.components, v.component_units, c.values,
                          string_to_array(c.notation, null))
    as p (month, date, month_number, he, component, component_unit, value, notation)
where bi_settings_are_good() and g.months is not null and not s.is_scaler
  and not exists (select from derived_curve x
                  where x.version_id = v.id and x.label_series = c.series_id and x.kind = 'converted')
  -- Windows are for families with months only: what has none passes.
  and coalesce(p.month, p.date, '2000-01-01') >= g.first and coalesce(p.month, p.date, '2000-01-01') < g.past
  and (g.is_one or coalesce(p.month, p.date, '2000-01-01') <@ g.months)
  and (v.components is null or g.whole or p.component = any(g.components))
union all
-- What is computed of them.
select v.family, v.iso, v.id, v.curve_timestamp, v.operating_day, v.cob, v.known_at,
       s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility, c.block_type, s.cost_group,
       s.cost_component, s.sub_component, null, null, null, c.lookup_id, c.uom, c.kind,
       p.month, null, null, null, null, null, 'value', p.value, p.reason
from bi_chosen_version v
join derived_curve c on c.version_id = v.id
join bi_printed_series s on s.id = c.label_series
cross join lateral (
    select coalesce(lower(range_agg(w.months)), '-infinity') as first,
           coalesce(upper(range_agg(w.months)), 'infinity') as past,
           range_agg(w.months) = multirange(range_merge(range_agg(w.months))) as is_one,
           range_agg(w.months) as months
    from e
    cross join lateral (select daterange(e.first_month, (e.last_month + interval '1 month')::date) as months) w
    where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.is_current)
      and case c.kind when 'derived' then admits_derived(e, c.blocks) else admits_block(e, c.blocks[1]) end
      and not exists (select from series m where m.id = any(c.members) and not admits_labels(e, m))
) g
cross join lateral unnest(v.months, c.values, c.reasons) as p (month, value, reason)
where g.months is not null and p.month >= g.first and p.month < g.past and (g.is_one or p.month <@ g.months)
union all
-- Headroom, a row for each measure.
select 'headroom', v.iso, v.id, v.curve_timestamp, v.operating_day, false, v.known_at,
       s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility, s.block_type, s.cost_group,
       s.cost_component, null, s.customer_type, s.load_profile, s.matching_id, s.lookup_id, p.uom, 'derived',
       null, null, null, null, s.term, s.beginning_date, p.measure, round(p.value, 5), null
from bi_chosen_headroom v
join headroom_record r on r.version_id = v.id and r.basis = 'prompt'
join headroom_series h on h.id = r.series_id
join bi_printed_series s on s.id = h.offer_id
cross join lateral (
    values ('ptc', '$/MWh', r.ptc), ('retail_price', '$/MWh', r.retail_price),
           ('headroom', '$/MWh', r.headroom), ('headroom_pct', '%', r.headroom_pct)
) as p (measure, uom, value)
where exists (select from e
              where admits_version(e, v.dataset_id, v.operating_day, false, v.is_current)
                and admits_labels(e, s.stored) and admits_block(e, (s.stored).block_type));
comment on view bi.points is 'One row per value: what a download with strip=all and layout=long has';

create view bi.headroom with (security_barrier) as
with e as materialized (select * from bi_entitlements(null))
select v.iso, v.id as version_id, v.curve_timestamp, v.ptc_timestamp, v.operating_day, v.known_at,
       s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility, s.block_type, s.cost_group,
       s.cost_component, s.load_profile, s.matching_id, s.lookup_id, s.term, s.beginning_date,
       t.utility_name, t.load_profile as ptc_load_profile, r.basis, r.month as ptc_month,
       round(r.ptc, 5) as ptc, round(r.retail_price, 5) as retail_price, round(r.headroom, 5) as headroom,
       round(r.headroom_pct, 5) as headroom_pct
from bi_chosen_headroom v
join headroom_record r on r.version_id = v.id
join headroom_series h on h.id = r.series_id
join bi_printed_series s on s.id = h.offer_id
join series t on t.id = h.ptc_id
where bi_settings_are_good()
  and exists (select from e
              where admits_version(e, v.dataset_id, v.operating_day, false, v.is_current)
                and admits_labels(e, s.stored) and admits_block(e, (s.stored).block_type));
comment on view bi.headroom is 'An offer beside the price to compare that it is matched with';

create view bi.reference_hours with (security_barrier) as
select iso, calendar, month, hours_5x16, hours_2x16, hours_7x8, hours_7x24, hours_wd, hours_we, hours_on_peak,
       hours_off_peak
from public.reference_hours
where (select bi_operator() or bi_user() is not null);
comment on view bi.reference_hours is 'The hours of each block in each month, 2000 to 2100';

do $$
declare
    c record;
begin
    for c in
        select v.relname, a.attname, t.text
        from pg_class v
        join pg_attribute a on a.attrelid = v.oid and a.attnum > 0
        left join (values
            ('curve', 'Curve type: energy, nonenergy, rec, ptc, matrix, headroom, loadprofile, shaping, vlr, lineloss'),
            ('iso', 'ISO: ercot, isone, miso, nyiso, pjm'),
            ('version_id', 'The version, as GET /api/v1/versions/{id} knows it'),
            ('series_id', 'The series, as GET /api/v1/series knows it'),
            ('curve_timestamp', 'When the curve was published (UTC); of headroom that of its matrix'),
            ('ptc_timestamp', 'When the price to compare was published (UTC)'),
            ('operating_day', 'The calendar day of the curve timestamp in the configured zone'),
            ('cob', 'True for a close-of-business version, false for an intraday one'),
            ('known_at', 'When the version became visible (UTC): app.as_of compares with this'),
            ('valid_to', 'When the next version of the operating day was published (UTC); empty while current'),
            ('first_contract_month', 'The first contract month of the version'),
            ('last_contract_month', 'The last contract month of the version'),
            ('first_operating_day', 'The first operating day that you may see'),
            ('last_operating_day', 'The last operating day that you may see'),
            ('latest_curve_timestamp', 'The newest curve timestamp that you may see (UTC)'),
            ('control_area', 'Control area (ISO) as the file has it'),
            ('state', 'State; - for a hub'),
            ('load_zone', 'Load zone'),
            ('capacity_zone', 'Capacity zone'),
            ('utility', 'Utility'),
            ('block_type', 'Block type as it prints: 7x24, 5x16, 2x16, 7x8, wd, we, on-peak, off-peak'),
            ('cost_group', 'Cost group'),
            ('cost_component', 'Cost component, without unit and peak words'),
            ('sub_component', 'Caption of the column; of a matrix the price component'),
            ('customer_type', 'Customer type (loadprofile)'),
            ('load_profile', 'Rate class or load profile'),
            ('ptc_load_profile', 'Rate class of the price to compare'),
            ('utility_name', 'Utility of the price to compare by its full name'),
            ('matching_id', 'Matching ID (ptc, matrix); N/A where the file has none'),
            ('lookup_id', 'Lookup ID1'),
            ('uom', 'Unit of measure of value'),
            ('kind', 'native: as stored, exact; converted: one series in another unit; derived: several series in one'),
            ('contract_month', 'Contract month: its first day'),
            ('date', 'Day (loadprofile, shaping)'),
            ('he', 'Hour ending, 1 to 24; 25 is the hour that comes twice when clocks go back'),
            ('term', 'Months of the offer''s term (matrix, headroom)'),
            ('beginning_date', 'The day on which the offer''s term begins (matrix, headroom)'),
            ('measure', 'value; of headroom ptc, retail_price, headroom, headroom_pct'),
            ('value', 'The value in the unit of column uom; five decimals where it is computed'),
            ('missing_reason', 'Why there is no value'),
            ('basis', 'Which months of the price to compare count: prompt or term'),
            ('ptc_month', 'The first month of the price to compare that counts'),
            ('ptc', 'Price to compare in $/MWh'),
            ('retail_price', 'The offer in $/MWh'),
            ('headroom', 'Price to compare less offer in $/MWh'),
            ('headroom_pct', 'The same in percent of the price to compare'),
            ('calendar', 'flat: without holidays and clock changes; nerc: with them'),
            ('hours_5x16', 'Hours of block 5x16'), ('hours_2x16', 'Hours of block 2x16'),
            ('hours_7x8', 'Hours of block 7x8'), ('hours_7x24', 'All hours'),
            ('hours_wd', 'Hours of weekdays'), ('hours_we', 'Hours of weekends'),
            ('hours_on_peak', 'Hours of 5x16 and 2x16'), ('hours_off_peak', 'Hours of 7x8')
        ) as t (name, text) on t.name = a.attname
        where v.relnamespace = 'bi'::regnamespace and v.relkind = 'v'
    loop
        if c.attname = 'month' then
            c.text := case c.relname when 'points' then 'Month of any year, 1 to 12 (vlr)' else 'Its first day' end;
        end if;
        if c.text is null then
            raise exception 'bi.% has no description of %', c.relname, c.attname;
        end if;
        execute format('comment on column bi.%I.%I is %L', c.relname, c.attname, c.text);
    end loop;
end
$$;

-- Login roles. Roles are made and changed by these functions only, which belong to the owner of the
-- schema: whoever works with the database otherwise needs no right to make roles.

-- Gives a role what it may have, and nothing to anybody else.
create function bi_grant(role_name text) returns void language plpgsql security definer
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
        'admits_derived(entitlement, text[])']::regprocedure[]
    loop
        execute format('grant execute on function %s to %I', f, role_name);
    end loop;
end
$$;

-- Makes the login role of a user, or gives it another password: of that only the verifier comes here.
-- Tells whether there was none.
create function bi_make_role(who uuid, verifier text, at timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    role_name text;
    is_new boolean;
begin
    if verifier !~ '^SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$' then
        raise exception 'this is no verifier' using errcode = 'invalid_parameter_value';
    end if;
    insert into bi_role (user_id, created_at, rotated_at) values (who, at, at)
    on conflict (user_id) do update set rotated_at = at
    returning name, created_at = rotated_at into role_name, is_new;
    if not exists (select from pg_roles where rolname = role_name) then
        execute format('create role %I noinherit', role_name);
    end if;
    execute format('alter role %I with %s noinherit connection limit 5 password %L', role_name,
                   case when bi_may_log_in(who) then 'login' else 'nologin' end, verifier);
    execute format('alter role %I set default_transaction_read_only = on', role_name);
    execute format('alter role %I set statement_timeout = %L', role_name, '60s');
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', role_name, '60s');
    execute format('alter role %I set search_path = trueprice, bi', role_name);
    execute format('alter role %I set timezone = %L', role_name, 'UTC');
    perform bi_grant(role_name);
    return is_new;
end
$$;

create function bi_may_log_in(who uuid) returns boolean language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
    select exists (select from bi_role r join app_user u on u.id = r.user_id
                   where r.user_id = who and r.locked_at is null and u.disabled_at is null)
$$;

-- Ends the connections of a role, but for none of this session's own.
create function bi_end_sessions(role_name text) returns bigint language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
    ended bigint := 0;
    backend record;
begin
    for backend in
        select pid from pg_stat_activity
        where usename = role_name and usename ~ '^bi_[0-9a-f]{32}$' and pid <> pg_backend_pid()
    loop
        if pg_terminate_backend(backend.pid) then
            ended := ended + 1;
        end if;
    end loop;
    return ended;
end
$$;

-- Lets roles log in whose users may, and nobody else; tells the names of those that it changed.
create function bi_settle_logins() returns setof text language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
    wrong record;
begin
    for wrong in
        select r.name, not g.rolcanlogin as may
        from bi_role r join pg_roles g on g.rolname = r.name
        where g.rolcanlogin <> bi_may_log_in(r.user_id)
    loop
        execute format('alter role %I %s', wrong.name, case when wrong.may then 'login' else 'nologin' end);
        return next wrong.name;
    end loop;
end
$$;

-- Removes the login role of a user. False where there was none.
create function bi_drop_role(who uuid) returns boolean language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
    role_name text;
    f record;
begin
    delete from bi_role where user_id = who returning name into role_name;
    if role_name is null then
        return false;
    end if;
    if not exists (select from pg_roles where rolname = role_name) then
        return true;
    end if;
    -- From here on nobody logs in; who is in sees nothing any more.
    execute format('alter role %I nologin password null', role_name);
    perform bi_end_sessions(role_name);
    execute format('revoke all on all tables in schema trueprice, bi from %I', role_name);
    execute format('revoke all on schema trueprice, bi from %I', role_name);
    for f in
        select p.oid::regprocedure as name from pg_proc p, aclexplode(p.proacl) a
        where p.pronamespace = 'public'::regnamespace and a.grantee = role_name::regrole
    loop
        execute format('revoke all on function %s from %I', f.name, role_name);
    end loop;
    execute format('revoke all on database %I from %I', current_database(), role_name);
    begin
        execute format('drop role %I', role_name);
    exception when dependent_objects_still_exist or object_in_use then
        -- It has rights in another database of the cluster too; it stays as a name without a login.
        null;
    end;
    return true;
end
$$;

-- The connections of BI roles to this database. Needs the rights of pg_read_all_stats where the owner of
-- the schema is no superuser.
create function bi_backends() returns table (
    pid integer, role_name text, backend_start timestamptz, xact_start timestamptz, query_start timestamptz,
    is_active boolean, address text, encrypted boolean, application text, query text, holds_advisory boolean
) language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
    select a.pid, a.usename::text, a.backend_start, a.xact_start, a.query_start, coalesce(a.state = 'active', false),
           host(a.client_addr), coalesce(t.ssl, false), coalesce(a.application_name, ''), coalesce(a.query, ''),
           exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory')
    from pg_stat_activity a
    left join pg_stat_ssl t on t.pid = a.pid
    where a.datname = current_database() and a.usename ~ '^bi_[0-9a-f]{32}$' and a.backend_start is not null
$$;

-- Cancels the statement of a BI role's connection, or ends the connection.
create function bi_signal(backend integer, started timestamptz, ends boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    if not exists (select from bi_backends() b where b.pid = backend and b.backend_start = started) then
        return false;
    end if;
    return case when ends then pg_terminate_backend(backend) else pg_cancel_backend(backend) end;
end
$$;

-- For later steps that add views: gives every login role what there is by then.
create function bi_grant_all() returns void language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
    r record;
begin
    for r in select b.name from bi_role b join pg_roles g on g.rolname = b.name loop
        perform bi_grant(r.name);
    end loop;
end
$$;

-- Nothing is for everybody.
do $$
declare
    f record;
begin
    execute format('revoke create, temporary on database %I from public', current_database());
    revoke all on schema public, trueprice, bi from public;
    revoke all on all tables in schema public, trueprice, bi from public;
    for f in
        select p.oid::regprocedure as name from pg_proc p
        where p.pronamespace = 'public'::regnamespace and (p.prosecdef or p.proname like 'bi\_%' or p.proname = 'entitlements')
    loop
        execute format('revoke all on function %s from public', f.name);
    end loop;
end
$$;
-- What only a superuser may take away: anonymous blocks of code, and large objects, which anybody could
-- write. Where the owner of the schema is none, the operator does it (see the README).
do $$
declare
    f record;
begin
    revoke usage on language plpgsql from public;
    for f in
        select p.oid::regprocedure as name from pg_proc p
        where p.pronamespace = 'pg_catalog'::regnamespace
          and p.proname in ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put', 'lowrite', 'lo_open', 'lo_unlink',
                            'lo_truncate', 'lo_truncate64')
    loop
        execute format('revoke all on function %s from public', f.name);
    end loop;
exception when insufficient_privilege then
    raise notice 'the owner of the schema is no superuser: see README, Tableau and SQL';
end
$$;
