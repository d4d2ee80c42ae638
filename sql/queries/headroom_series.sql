-- The offers beside their prices to compare that any of the versions $1 has a record of, in the order
-- of their records, with the grants of sight $2 that show each.
with sight as materialized (
    select row_number() over ()::int as n, e from jsonb_populate_recordset(null::entitlement, $2) as e
)
select h.id, s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility, s.block_type,
       s.cost_group, s.cost_component, s.sub_component, s.unit, s.customer_type, s.utility_name,
       s.load_profile, s.matching_id, s.lookup_id, s.term, s.beginning_date,
       array(select n from sight where admits_labels(e, s) and admits_block(e, s.block_type)) as "admitted!"
from headroom_series h
join series s on s.id = h.offer_id
join series p on p.id = h.ptc_id
where h.id in (select series_id from headroom_record where version_id = any($1) and basis = 'prompt')
order by s.control_area collate "C", s.state collate "C", s.utility collate "C",
         s.load_zone collate "C", coalesce(s.load_profile, '') collate "C", s.term, s.beginning_date,
         s.capacity_zone collate "C", s.block_type collate "C", s.cost_group collate "C",
         s.cost_component collate "C", s.matching_id collate "C", s.lookup_id collate "C",
         p.lookup_id collate "C", p.utility_name collate "C", p.load_profile collate "C", p.digest,
         s.digest
