-- The series of the newest known version of each dataset of $1, as of $2, of what sight $3 shows.
with sight as materialized (
    select e from jsonb_populate_recordset(null::entitlement, $3) as e
)
select distinct c.lookup_id, s.control_area collate "C" as "control_area!",
       s.state collate "C" as "state!", s.load_zone collate "C" as "load_zone!",
       s.capacity_zone collate "C" as "capacity_zone!", s.utility collate "C" as "utility!",
       s.block_type collate "C" as "block_type!", s.cost_group collate "C" as "cost_group!",
       s.cost_component collate "C" as "cost_component!"
from unnest($1::smallint[]) as d (id)
join lateral (
    select * from curve_version v
    where dataset_id = d.id and known_at <= $2
      and exists (select from sight
                  where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
    order by operating_day desc, curve_timestamp desc
    limit 1
) v on true
join curve c on c.dataset_id = d.id and c.version_id = v.id
join series s on s.id = c.series_id
where exists (select from sight
              where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)
                and admits_labels(e, s) and admits_block(e, s.block_type))
order by 2, 3, 4, 5, 6, 7, 8, 9, 1
