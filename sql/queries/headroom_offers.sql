-- The offers of version $2 of Matrix dataset $1 with the first of the lines $3 that it has.
select s.id, s.state, s.load_zone, s.utility, s.block_type, s.load_profile, s.lookup_id, s.term,
       s.beginning_date, v.component_units[l.place] as unit, c.values[l.place] as price
from curve_version v
cross join lateral (
    select min(array_position(v.components, line)) as place
    from (select line from unnest($3::text[]) with ordinality as t (line, n)
          where line = any(v.components) order by n limit 1) first
) l
join curve c on c.dataset_id = v.dataset_id and c.version_id = v.id
join series s on s.id = c.series_id
where v.id = $2 and c.dataset_id = $1
order by s.id
