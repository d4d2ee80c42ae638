-- Offers beside their prices to compare. $1 sources, $2 cut-off, $3 operating day (null: the newest of
-- each source), $4 a version instead, $5 basis, $6 state, $7 cost component, $8 term, $9 and $10 how
-- many to leave out and to give, $11 the caller's sight.
with sight as materialized (
    select e from jsonb_populate_recordset(null::entitlement, $11) as e
),
chosen as (
    select distinct on (dataset_id) *
    from headroom_version v
    where exists (select from sight
                  where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null))
      and dataset_id = any($1) and known_at <= $2
      and case when $4::bigint is null
               then (ended_at is null or ended_at > $2) and ($3::date is null or operating_day = $3)
               else id = $4 end
    order by dataset_id, operating_day desc
)
select v.id as version_id, v.dataset_id, v.operating_day, v.curve_timestamp, v.ptc_timestamp,
       s.control_area, s.state, s.load_zone, s.capacity_zone, s.utility, s.block_type, s.cost_group,
       s.cost_component, s.load_profile, s.matching_id, s.lookup_id, s.term, s.beginning_date,
       p.lookup_id as ptc_lookup_id, p.utility_name, p.load_profile as rate_class, r.month,
       r.ptc, r.retail_price, r.headroom, r.headroom_pct,
       count(*) over (partition by v.id, h.offer_id) > 1 as "ambiguous!"
from chosen v
join headroom_record r on r.version_id = v.id and r.basis = $5
join headroom_series h on h.id = r.series_id
join series s on s.id = h.offer_id
join series p on p.id = h.ptc_id
where exists (select from sight
                where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null)
                  and admits_labels(e, s) and admits_block(e, s.block_type))
  and ($6::text is null or s.state = $6)
  and ($7::text is null or s.cost_component = $7)
  and ($8::smallint is null or s.term = $8)
order by v.dataset_id, s.control_area collate "C", s.state collate "C", s.utility collate "C",
         s.load_zone collate "C", coalesce(s.load_profile, '') collate "C", s.term, s.beginning_date,
         s.cost_component collate "C", s.matching_id collate "C", s.lookup_id collate "C",
         p.lookup_id collate "C", h.id
offset $9 limit $10
