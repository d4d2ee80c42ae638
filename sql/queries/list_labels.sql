-- Distinct values of one label ($12) given others ($3 to $10), above $11, of what sight $14 shows.
with sight as materialized (
    select e from jsonb_populate_recordset(null::entitlement, $14) as e
)
select distinct label as "label!"
from (
    select case $12::text
               when 'control_area' then s.control_area
               when 'state' then s.state
               when 'load_zone' then s.load_zone
               when 'capacity_zone' then s.capacity_zone
               when 'utility' then s.utility
               when 'block_type' then s.block_type
               when 'cost_group' then s.cost_group
               else s.cost_component
           end collate "C" as label
    from series s
    where s.dataset_id = $1
      and ($3::text is null or s.control_area = $3)
      and ($4::text is null or s.state = $4)
      and ($5::text is null or s.load_zone = $5)
      and ($6::text is null or s.capacity_zone = $6)
      and ($7::text is null or s.utility = $7)
      and ($8::text is null or lower(s.block_type) = lower($8))
      and ($9::text is null or s.cost_group = $9)
      and ($10::text is null or s.cost_component = $10)
      and exists (select from sight
                  where admits_labels(e, s) and admits_block(e, s.block_type)
                    and exists (select from curve c join curve_version v on v.id = c.version_id
                                where c.dataset_id = s.dataset_id and c.series_id = s.id and v.known_at <= $2
                                  and coalesce(v.first_month <= (e).last_month, true)
                                  and coalesce(v.last_month >= (e).first_month, true)
                                  and admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)))
) labels
where $11::text is null or label > $11 collate "C"
order by 1
limit $13
