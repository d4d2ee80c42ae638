-- Packages as administrators work with them: a grant is resolved by itself, so that what a package
-- would show is known before anybody has it.

-- The one rule, first part, for one grant: what is left of it of some sources at an instant.
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

-- As it was in 0010, with the grants resolved by the function above.
create or replace function entitlements(who uuid, sources smallint[], at timestamptz) returns setof entitlement
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

-- That an attachment ran out is told once, by whichever server sees it first.
alter table user_package add column expiry_told_at timestamptz;
comment on column user_package.expiry_told_at is 'When the audit log was told that it ran out; null again with new dates.';
create index user_package_ends_idx on user_package (ends_at) where ends_at is not null;

-- The ISO's matrix is what headroom is about: its offers are the series of both.
create view source_series as
select s.dataset_id as source_id, s.id as series_id from series s
union all
select h.id, s.id
from series s
join dataset d on d.id = s.dataset_id and d.family = 'matrix'
join source h on h.family = 'headroom' and h.iso = d.iso;
comment on view source_series is 'The series that a source is about; of headroom, the offers of the matrix.';
