-- The names that BI workbooks know. trueprice.<iso>_<family> holds the current version of every
-- operating day, trueprice.<iso>_<family>_history the superseded ones; together they are everything.

create schema trueprice;
comment on schema trueprice is 'Curves for BI tools: one row per series and contract month.';

create function describe_curve_view(view_name text) returns void language plpgsql as $$
declare
    c record;
begin
    for c in
        select * from (values
            ('curvestart', 'Curve timestamp: when the curve was published; valid from this instant (UTC)'),
            ('curveend', 'Valid until this instant, exclusive; empty while current (UTC)'),
            ('operating_day', 'Operating day: the calendar day of the curve timestamp in the configured zone'),
            ('cob', 'True for a close-of-business version, false for an intraday one'),
            ('month', 'Contract month: its first day'),
            ('data', 'The value in the unit of column unit, exact; empty where the file had none'),
            ('control_area', 'Control area (ISO) as the file has it'),
            ('state', 'State; - for a hub'),
            ('load_zone', 'Load zone'),
            ('capacity_zone', 'Capacity zone'),
            ('utility', 'Utility'),
            ('strip', 'Block type: 7x24, 5x16, 2x16, 7x8, WD or WE'),
            ('cost_group', 'Cost group'),
            ('cost_component', 'Cost component'),
            ('sub_cost_component', 'Caption of the column; the cost component where the caption is blank'),
            ('unit', 'Unit of measure of data; % is stored as a fraction'),
            ('version_id', 'The version, as GET /api/v1/versions/{id} knows it')
        ) as t (name, text)
    loop
        execute format('comment on column trueprice.%I.%I is %L', view_name, c.name, c.text);
    end loop;
end
$$;

do $$
declare
    d record;
    reading record;
    view_name text;
begin
    for d in select * from dataset where family in ('energy', 'nonenergy', 'rec') loop
        for reading in
            select * from (values
                ('', 'is null', 'the current version of every operating day'),
                ('_history', 'is not null', 'the superseded versions')) as t (suffix, condition, text)
        loop
            view_name := d.iso || '_' || d.family || reading.suffix;
            execute format($view$
                create view trueprice.%I as
                select v.curve_timestamp as curvestart, v.valid_to as curveend, v.operating_day, v.cob,
                       p.month, p.data,
                       s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility,
                       s.block_type as strip, s.cost_group, s.cost_component,
                       s.sub_component as sub_cost_component, s.unit, v.id as version_id
                from curve_version v
                join %I c on c.dataset_id = v.dataset_id and c.version_id = v.id
                join series s on s.id = c.series_id
                cross join lateral unnest(v.months, c.values) as p (month, data)
                where v.dataset_id = %s and v.valid_to %s
                $view$, view_name, format('curve_%s_%s', d.iso, d.family), d.id, reading.condition);
            execute format('comment on view trueprice.%I is %L', view_name,
                           format('%s %s curves: %s', upper(d.iso), d.family, reading.text));
            perform describe_curve_view(view_name);
        end loop;
    end loop;
end
$$;
drop function describe_curve_view;
