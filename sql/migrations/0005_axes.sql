-- Every family has an axis of its own, and some have labels besides the eight.

alter table series
    add column customer_type text,
    add column utility_name text,
    add column load_profile text,
    add column matching_id text,
    add column lookup_id text,
    add column term smallint,
    add column beginning_date date;
comment on column series.customer_type is 'loadprofile';
comment on column series.utility_name is 'ptc: the utility by its full name';
comment on column series.load_profile is 'ptc: rate class or load profile; matrix: load profile';
comment on column series.matching_id is 'ptc and matrix; N/A where the file leaves it blank';
comment on column series.lookup_id is 'ptc and matrix: Lookup ID1, part of the key there';
comment on column series.term is 'matrix: months of the offer''s term';
comment on column series.beginning_date is 'matrix: the day on which the offer''s term begins';

-- Whether every pair of day (or month number) and hour ending comes after the one before it.
create function hours_ascend(days date[], month_numbers smallint[], hours smallint[]) returns boolean
language sql immutable parallel safe as $$
    select coalesce(bool_and(place > before), true)
    from (
        select place, lag(place) over (order by n) as before
        from unnest(days, month_numbers, hours) with ordinality as t (day, month_number, hour, n)
        cross join lateral (select coalesce(day - date '1970-01-01', month_number) * 32 + hour) as p (place)
    ) as places
$$;

create function each_once(words text[]) returns boolean language sql immutable parallel safe as $$
    select count(*) = count(distinct word) from unnest(words) as word
$$;

-- The axis is one of: contract months; dates and hours ending; month numbers and hours ending; price
-- components with their units; none of them, for one value per series.
drop trigger curve_version_fixed on curve_version;
alter table curve_version
    alter column months drop not null,
    add column dates date[],
    add column month_numbers smallint[],
    add column hours smallint[],
    add column components text[],
    add column component_units text[],
    drop constraint curve_version_axis_check,
    add constraint curve_version_axis_check check (
        axis_length > 0 and num_nonnulls(months, dates, month_numbers, components) <= 1
        and axis_length = coalesce(cardinality(months), cardinality(dates), cardinality(month_numbers),
                                   cardinality(components), 1)),
    drop constraint curve_version_months_check,
    add constraint curve_version_hours_check check (
        case num_nonnulls(dates, month_numbers)
            when 0 then hours is null
            else coalesce(cardinality(hours), 0) = axis_length
        end),
    add constraint curve_version_components_check check (
        case when components is null then component_units is null
             else coalesce(cardinality(component_units), 0) = axis_length
        end);

-- Each place once, and in order. An axis never changes, so it is looked at once: a check constraint
-- would go through it again whenever a version is made known or superseded.
create function check_axis() returns trigger language plpgsql as $$
begin
    if not ascends(new.months) or not hours_ascend(new.dates, new.month_numbers, new.hours)
       or not each_once(new.components) then
        raise exception 'the places of an axis are told once each, in order' using errcode = 'check_violation';
    end if;
    return new;
end
$$;
create trigger curve_version_axis before insert on curve_version
    for each row execute function check_axis();
create trigger curve_version_fixed before update of id, dataset_id, curve_timestamp, curve_timestamp_local,
        curve_timezone, operating_day, cob, sha256, upload_id, axis_length, months, dates, month_numbers, hours,
        components, component_units, series_count, points, first_month, last_month, stats, findings
    on curve_version
    for each row execute function refuse_change();

-- The views of the families with an axis or labels of their own; what they share is that of 0003.
do $$
declare
    kind record;
    d record;
    reading record;
    c record;
    view_name text;
begin
    for kind in
        select * from (values
            ('ptc', 'p.month, p.data',
             's.utility_name, s.load_profile, s.matching_id, s.lookup_id',
             'cross join lateral unnest(v.months, c.values) as p (month, data)'),
            ('matrix', 'p.data',
             's.load_profile, s.matching_id, s.lookup_id, s.term, s.beginning_date',
             'cross join lateral unnest(v.components, v.component_units, c.values) as p (component, unit, data)'),
            ('loadprofile', 'date_trunc(''month'', p.date)::date as month, p.date, p.he, p.data', 's.customer_type',
             'cross join lateral unnest(v.dates, v.hours, c.values) as p (date, he, data)'),
            ('shaping', 'date_trunc(''month'', p.date)::date as month, p.date, p.he, p.data', null,
             'cross join lateral unnest(v.dates, v.hours, c.values) as p (date, he, data)'),
            ('vlr', 'p.month_number, p.he, p.data', null,
             'cross join lateral unnest(v.month_numbers, v.hours, c.values) as p (month_number, he, data)'),
            ('lineloss', 'c.values[1] as data', null, '')
        ) as t (family, place, labels, places)
    loop
        for d in select * from dataset where family = kind.family loop
            for reading in
                select * from (values
                    ('', 'is null', 'the current version of every operating day'),
                    ('_history', 'is not null', 'the superseded versions')) as t (suffix, condition, text)
            loop
                view_name := d.iso || '_' || d.family || reading.suffix;
                execute format($view$
                    create view trueprice.%I as
                    select v.curve_timestamp as curvestart, v.valid_to as curveend, v.operating_day, v.cob, %s,
                           s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility,
                           s.block_type as strip, s.cost_group, s.cost_component,
                           %s as sub_cost_component, %s as unit, v.id as version_id%s
                    from curve_version v
                    join %I c on c.dataset_id = v.dataset_id and c.version_id = v.id
                    join series s on s.id = c.series_id
                    %s
                    where v.dataset_id = %s and v.valid_to %s
                    $view$, view_name, kind.place,
                    case kind.family when 'matrix' then 'p.component' else 's.sub_component' end,
                    case kind.family when 'matrix' then 'p.unit' else 's.unit' end,
                    coalesce(', ' || kind.labels, ''), format('curve_%s_%s', d.iso, d.family), kind.places, d.id,
                    reading.condition);
                execute format('comment on view trueprice.%I is %L', view_name,
                               format('%s %s curves: %s', upper(d.iso), d.family, reading.text));
                for c in
                    select a.attname, t.text
                    from pg_attribute a
                    join (values
                        ('curvestart', 'Curve timestamp: when the curve was published; valid from this instant (UTC)'),
                        ('curveend', 'Valid until this instant, exclusive; empty while current (UTC)'),
                        ('operating_day', 'Operating day: the calendar day of the curve timestamp in the configured zone'),
                        ('cob', 'Always false: only energy has close-of-business versions'),
                        ('month', 'Contract month: its first day'),
                        ('date', 'Day'),
                        ('month_number', 'Month of any year, 1 to 12'),
                        ('he', 'Hour ending, 1 to 24; 25 is the hour that comes twice when clocks go back'),
                        ('data', 'The value in the unit of column unit, exact; empty where the file had none'),
                        ('control_area', 'Control area (ISO) as the file has it'),
                        ('state', 'State; - for a hub'),
                        ('load_zone', 'Load zone'),
                        ('capacity_zone', 'Capacity zone'),
                        ('utility', 'Utility'),
                        ('strip', 'Block type: 7x24, 5x16, 2x16, 7x8, WD or WE'),
                        ('cost_group', 'Cost group'),
                        ('cost_component', 'Cost component'),
                        ('sub_cost_component', 'The price component of a matrix, else the cost component'),
                        ('unit', 'Unit of measure of data; % is stored as a fraction'),
                        ('version_id', 'The version, as GET /api/v1/versions/{id} knows it'),
                        ('utility_name', 'Utility by its full name'),
                        ('load_profile', 'Rate class or load profile'),
                        ('customer_type', 'Customer type'),
                        ('matching_id', 'Matching ID; N/A where the file has none'),
                        ('lookup_id', 'Lookup ID1'),
                        ('term', 'Months of the offer''s term'),
                        ('beginning_date', 'The day on which the offer''s term begins')
                    ) as t (name, text) on t.name = a.attname
                    where a.attrelid = format('trueprice.%I', view_name)::regclass and a.attnum > 0
                loop
                    execute format('comment on column trueprice.%I.%I is %L', view_name, c.attname, c.text);
                end loop;
            end loop;
        end loop;
    end loop;
end
$$;
