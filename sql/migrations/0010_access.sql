-- Who may see what, and who did what.

-- What belongs to the whole site: one row.
create table site (
    only_row boolean primary key default true,
    -- The zone whose days are operating days, as the server that runs tells it.
    curve_timezone text not null default 'UTC',
    constraint site_row_check check (only_row)
);
insert into site default values;

-- What grants are about: datasets of files, and headroom with the ids of domain::Source.
create view source as
select id, family, iso from dataset
union all
select (100 + i.place)::smallint, 'headroom', i.iso
from unnest(array['ercot', 'isone', 'miso', 'nyiso', 'pjm']) with ordinality as i (iso, place);
comment on view source is 'What can be granted: datasets of files, and headroom.';

create table package (
    id uuid primary key,
    name text not null,
    note text not null default '',
    -- The package that new users of role read_write receive. It stands for itself, not for its name.
    builtin boolean not null default false,
    -- Raised by every change: whoever edits an older one is told so.
    revision integer not null default 1,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    constraint package_name_key unique (name),
    constraint package_name_check check (name = btrim(name) and char_length(name) between 1 and 100),
    constraint package_note_check check (char_length(note) <= 2000)
);
create unique index package_builtin_key on package (builtin) where builtin;
comment on table package is 'What is sold together: grants under a name.';

-- A cell is visible if one grant allows all of it. Of the sets null is any; a label counts exactly as
-- it is stored, a block type without case.
create table package_grant (
    package_id uuid not null references package on delete cascade,
    place smallint not null,
    -- Families, and headroom.
    curves text[] not null,
    isos text[],
    control_areas text[],
    states text[],
    load_zones text[],
    capacity_zones text[],
    utilities text[],
    block_types text[],
    cost_groups text[],
    cost_components text[],
    sub_components text[],
    -- unlimited; fixed: first_month to last_month, either open; rolling: so many from the current
    -- month (balance) or the next (prompt).
    months text not null default 'unlimited',
    first_month date,
    last_month date,
    rolling_months smallint,
    rolling_from text,
    cob_only boolean not null default false,
    -- Only operating days at least so many days ago; null: no delay.
    delay_days integer,
    -- Only the newest so many operating days of those visible; null: all.
    history_days integer,
    -- Not what was superseded.
    current_only boolean not null default false,
    -- Whether a derived 7x24 may be seen.
    derived boolean not null default false,
    primary key (package_id, place),
    constraint package_grant_curves_check check (
        cardinality(curves) > 0
        and curves <@ array['energy', 'nonenergy', 'rec', 'ptc', 'matrix', 'loadprofile', 'shaping', 'vlr',
                            'lineloss', 'headroom']),
    constraint package_grant_isos_check check (
        cardinality(isos) > 0 and isos <@ array['ercot', 'isone', 'miso', 'nyiso', 'pjm']),
    constraint package_grant_sets_check check (
        cardinality(control_areas) > 0 is not false and cardinality(states) > 0 is not false
        and cardinality(load_zones) > 0 is not false and cardinality(capacity_zones) > 0 is not false
        and cardinality(utilities) > 0 is not false and cardinality(block_types) > 0 is not false
        and cardinality(cost_groups) > 0 is not false and cardinality(cost_components) > 0 is not false
        and cardinality(sub_components) > 0 is not false),
    constraint package_grant_months_check check (
        case months
            when 'unlimited' then num_nonnulls(first_month, last_month, rolling_months, rolling_from) = 0
            when 'fixed' then num_nonnulls(first_month, last_month) > 0
                and num_nonnulls(rolling_months, rolling_from) = 0
                and coalesce(first_month <= last_month, true)
                and coalesce(extract(day from first_month) = 1, true)
                and coalesce(extract(day from last_month) = 1, true)
            when 'rolling' then num_nonnulls(first_month, last_month) = 0
                and coalesce(rolling_months between 1 and 600, false)
                and coalesce(rolling_from in ('balance', 'prompt'), false)
            else false
        end),
    constraint package_grant_delay_check check (delay_days between 0 and 36500),
    constraint package_grant_history_check check (history_days between 1 and 36500)
);

create table user_package (
    user_id uuid not null references app_user on delete cascade,
    package_id uuid not null references package on delete cascade,
    -- In force from then (null: always) until then, exclusive (null: for good).
    starts_at timestamptz,
    ends_at timestamptz,
    attached_at timestamptz not null,
    primary key (user_id, package_id),
    constraint user_package_ends_check check (ends_at > starts_at)
);
create index user_package_package_idx on user_package (package_id);

insert into package (id, name, note, builtin, created_at, changed_at)
values (gen_random_uuid(), 'everything', 'Every curve of every ISO, without limit. New users of role read_write receive it.',
        true, now(), now());
insert into package_grant (package_id, place, curves, derived)
select id, 1, array['energy', 'nonenergy', 'rec', 'ptc', 'matrix', 'loadprofile', 'shaping', 'vlr', 'lineloss',
                    'headroom'], true
from package where builtin;
-- Until now everybody signed in could read everything; who uploads goes on so.
insert into user_package (user_id, package_id, attached_at)
select u.id, p.id, now() from app_user u, package p where p.builtin and u.role = 'read_write';

-- A grant in force, resolved: what is left of it at an instant, for one dataset or (null) for all. A
-- null bound is none.
create type entitlement as (
    dataset_id smallint,
    control_areas text[],
    states text[],
    load_zones text[],
    capacity_zones text[],
    utilities text[],
    -- In lower case.
    block_types text[],
    cost_groups text[],
    cost_components text[],
    sub_components text[],
    first_month date,
    last_month date,
    first_day date,
    last_day date,
    cob_only boolean,
    current_only boolean,
    derived boolean
);

-- What is left of one grant, of some sources, at an instant: before anybody has it, too.
create function resolve_grant(g package_grant, sources smallint[], at timestamptz) returns setof entitlement
language sql stable parallel safe as $$
    select s.id, g.control_areas, g.states, g.load_zones, g.capacity_zones, g.utilities, b.block_types,
           g.cost_groups, g.cost_components, g.sub_components, m.first_month, m.last_month, h.first_day,
           t.today - g.delay_days, c.cob_only, g.current_only, g.derived
    from source s
    cross join lateral (
        select (at at time zone z.curve_timezone)::date as today,
               date_trunc('month', at at time zone z.curve_timezone)::date as month
        from site z
    ) t
    cross join lateral (select g.cob_only and s.family = 'energy' as cob_only) c
    cross join lateral (
        select case when g.block_types is not null
                    then array(select lower(block) from unnest(g.block_types) as block order by 1) end
               as block_types
    ) b
    cross join lateral (
        select case g.months when 'fixed' then g.first_month when 'rolling' then r.first end as first_month,
               case g.months when 'fixed' then g.last_month
                             when 'rolling' then (r.first + make_interval(months => g.rolling_months - 1))::date
               end as last_month
        from (select (t.month + case g.rolling_from when 'prompt' then interval '1 month'
                                                    else interval '0' end)::date as first) r
        where s.family in ('energy', 'nonenergy', 'rec', 'shaping')
        union all
        select null, null where s.family not in ('energy', 'nonenergy', 'rec', 'shaping')
    ) m
    cross join lateral (
        select case when g.history_days is not null then (
                   select day
                   from (select distinct v.operating_day as day
                         from (select operating_day, cob, valid_to is null as is_current from curve_version
                               where dataset_id = s.id and known_at < 'infinity'
                               union all
                               select operating_day, false, ended_at is null from headroom_version
                               where dataset_id = s.id and known_at < 'infinity') v
                         where (v.cob or not c.cob_only) and (v.is_current or not g.current_only)
                           and v.operating_day <= coalesce(t.today - g.delay_days, 'infinity')) days
                   order by day desc
                   offset g.history_days - 1 limit 1)
               end as first_day
    ) h
    where s.id = any(sources) and s.family = any(g.curves) and (g.isos is null or s.iso = any(g.isos))
$$;
comment on function resolve_grant is 'What one grant shows: its window resolved, for each source that it is about.';

-- The one rule, first part: what a user may see of some sources (ids of view source) at an instant. An
-- administrator is the only one without limits; a user who is shut out sees nothing.
--
-- Windows are those of the clock on the wall, never of a cut-off that is asked for: going back in time
-- widens nothing.
create function entitlements(who uuid, sources smallint[], at timestamptz) returns setof entitlement
language sql stable parallel safe as $$
    select distinct null::smallint, null::text[], null::text[], null::text[], null::text[], null::text[],
           null::text[], null::text[], null::text[], null::text[], null::date, null::date, null::date,
           null::date, false, false, true
    from app_user u
    where u.id = who and u.role = 'admin' and u.disabled_at is null
    union all
    select distinct e.*
    from app_user u
    join user_package p on p.user_id = u.id
    join package_grant g on g.package_id = p.package_id
    cross join lateral resolve_grant(g, sources, at) e
    where u.id = who and u.role <> 'admin' and u.disabled_at is null
      and coalesce(p.starts_at <= at, true) and coalesce(p.ends_at > at, true)
$$;
comment on function entitlements is 'What a user may see: grants in force with their windows resolved.';

-- The one rule, second part: whether a grant lets a version through. The version's header is known by
-- its dataset, operating day, close of business, and whether it is current now.
create function admits_version(e entitlement, source_id smallint, day date, cob boolean, is_current boolean)
returns boolean language sql immutable parallel safe as $$
    select (e.dataset_id is null or e.dataset_id = source_id)
       and (e.first_day is null or day >= e.first_day)
       and (e.last_day is null or day <= e.last_day)
       and (not e.cob_only or cob)
       and (not e.current_only or is_current)
$$;

-- The one rule, third part: whether a grant lets the labels of a series through, its block type apart.
create function admits_labels(e entitlement, s series) returns boolean language sql immutable parallel safe as $$
    select (e.control_areas is null or s.control_area = any(e.control_areas))
       and (e.states is null or s.state = any(e.states))
       and (e.load_zones is null or s.load_zone = any(e.load_zones))
       and (e.capacity_zones is null or s.capacity_zone = any(e.capacity_zones))
       and (e.utilities is null or s.utility = any(e.utilities))
       and (e.cost_groups is null or s.cost_group = any(e.cost_groups))
       and (e.cost_components is null or s.cost_component = any(e.cost_components))
       -- The components of a matrix are places of its axis: a grant of some hides the others there.
       and (e.sub_components is null or s.matching_id is not null and s.term is not null
            or s.sub_component = any(e.sub_components))
$$;

create function admits_block(e entitlement, block_type text) returns boolean
language sql immutable parallel safe as $$
    select e.block_types is null or lower(block_type) = any(e.block_types)
$$;

-- A derived 7x24 needs leave of its own: its block or all that it is computed of.
create function admits_derived(e entitlement, members text[]) returns boolean
language sql immutable parallel safe as $$
    select e.derived and (e.block_types is null or '7x24' = any(e.block_types) or members <@ e.block_types)
$$;

-- Whether a grant shows all of its dataset: what tells of every cell, such as a comparison with what is
-- stored, is for those who see every cell.
create function is_unlimited(e entitlement) returns boolean language sql immutable parallel safe as $$
    select e.derived and not e.cob_only and not e.current_only
       and num_nonnulls(e.control_areas, e.states, e.load_zones, e.capacity_zones, e.utilities, e.block_types,
                        e.cost_groups, e.cost_components, e.sub_components) = 0
       and num_nonnulls(e.first_month, e.last_month, e.first_day, e.last_day) = 0
$$;

-- Who did what. Written in the transaction of what it tells.
create table audit_event (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    -- No references: what is told here outlives its actor.
    actor_id uuid,
    actor_email text,
    -- How the actor proved who they are: session, token, login_token, password, link, bi, command, none.
    credential text not null,
    credential_prefix text,
    address text,
    request_id uuid,
    action text not null,
    object_type text,
    object_id text,
    -- ok, refused or failed.
    outcome text not null,
    detail jsonb not null default '{}',
    constraint audit_event_outcome_check check (outcome in ('ok', 'refused', 'failed')),
    constraint audit_event_credential_check check (
        credential in ('session', 'token', 'login_token', 'password', 'link', 'bi', 'command', 'server', 'none'))
);
create index audit_event_at_idx on audit_event (at desc, id desc);
create index audit_event_actor_idx on audit_event (actor_id, id desc);
create index audit_event_action_idx on audit_event (action, id desc);
create index audit_event_object_idx on audit_event (object_type, object_id, id desc);
comment on table audit_event is 'Append-only: what was done, by whom, with which outcome.';
create trigger audit_event_keep before update on audit_event
    for each row execute function refuse_change();
create trigger audit_event_stay before truncate on audit_event
    for each statement execute function refuse_change();
