-- Labels of grants that no series of what they are about has.
-- $1 the grants as rows of package_grant, in a JSON array.
with grants as materialized (
    select t.place::int as place, g.*
    from jsonb_array_elements($1::jsonb) with ordinality as t (content, place)
    cross join lateral jsonb_populate_record(null::package_grant, t.content - 'place') as g (
        package_id, grant_place, curves, isos, control_areas, states, load_zones, capacity_zones, utilities,
        block_types, cost_groups, cost_components, sub_components)
),
labels as (
    select distinct g.place, l.member, label
    from grants g
    cross join lateral (values
        (1, g.control_areas), (2, g.states), (3, g.load_zones), (4, g.capacity_zones), (5, g.utilities),
        (6, g.block_types), (7, g.cost_groups), (8, g.cost_components), (9, g.sub_components)) as l (member, labels)
    cross join lateral unnest(l.labels) as label
)
select l.place as "place!", l.member as "member!", l.label as "label!"
from labels l
join grants g on g.place = l.place
where not exists (
    select
    from source o
    join source_series q on q.source_id = o.id
    join series s on s.id = q.series_id
    where o.family = any(g.curves) and (g.isos is null or o.iso = any(g.isos))
      and case l.member
              when 1 then s.control_area when 2 then s.state when 3 then s.load_zone
              when 4 then s.capacity_zone when 5 then s.utility when 6 then lower(s.block_type)
              when 7 then s.cost_group when 8 then s.cost_component else s.sub_component
          end = case l.member when 6 then lower(l.label) else l.label end)
  and not (l.member = 9 and exists (
    select
    from source o
    join curve_version v on v.dataset_id = o.id and v.known_at < 'infinity' and l.label = any(v.components)
    where o.family = 'matrix' and o.family = any(g.curves) and (g.isos is null or o.iso = any(g.isos))))
order by l.place, l.member, l.label
