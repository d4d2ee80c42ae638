-- What can be chosen for each label of a grant, given what was chosen for those before it.
-- $1 the grant as a row of package_grant; $2 how many values of each label at the most.
with g as materialized (
    select * from jsonb_populate_record(null::package_grant, $1::jsonb)
),
about as materialized (
    select s.id, s.family
    from source s, g
    where (g.curves is null or s.family = any(g.curves)) and (g.isos is null or s.iso = any(g.isos))
),
-- Each series with the first label at which what was chosen shuts it out.
reach as materialized (
    select s.*,
           case when s.control_area <> all(g.control_areas) then 1
                when s.state <> all(g.states) then 2
                when s.load_zone <> all(g.load_zones) then 3
                when s.capacity_zone <> all(g.capacity_zones) then 4
                when s.utility <> all(g.utilities) then 5
                when lower(s.block_type) <> all(select lower(block) from unnest(g.block_types) as block)
                     and g.block_types is not null then 6
                when s.cost_group <> all(g.cost_groups) then 7
                when s.cost_component <> all(g.cost_components) then 8
                else 9
           end as stop
    from g
    cross join about a
    join source_series o on o.source_id = a.id
    join series s on s.id = o.series_id
),
offered as (
    select distinct l.place, l.value collate "C" as value
    from reach r
    cross join lateral (values
        (1, r.control_area), (2, r.state), (3, r.load_zone), (4, r.capacity_zone), (5, r.utility),
        (6, r.block_type), (7, r.cost_group), (8, r.cost_component), (9, r.sub_component)) as l (place, value)
    where l.place <= r.stop and l.value <> ''
    union
    -- The components of a matrix are places of its axis.
    select 9, component collate "C"
    from about a
    join curve_version v on v.dataset_id = a.id and v.valid_to is null and v.known_at < 'infinity'
    cross join lateral unnest(v.components) as component
    where a.family = 'matrix'
),
ranked as (
    select place, value, row_number() over (partition by place order by value) as rank from offered
)
select place as "place!", value as "value!"
from ranked
where rank <= $2
order by place, value
