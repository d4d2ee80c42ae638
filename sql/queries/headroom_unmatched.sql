-- Offers without a record and the reason. $1 sources, $2 cut-off, $3 operating day (null: the newest
-- of each source), $4 a version instead, $5 basis, $6 and $7 how many to leave out and to give, $8 the
-- caller's sight.
with sight as materialized (
    select e from jsonb_populate_recordset(null::entitlement, $8) as e
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
select v.id as version_id, v.dataset_id, v.operating_day, f.code, s.state, s.load_zone, s.utility,
       s.cost_component, s.load_profile, s.matching_id, s.lookup_id, s.term, s.beginning_date,
       p.lookup_id as "ptc_lookup_id?"
from chosen v
join headroom_finding f on f.version_id = v.id and f.basis = $5 and f.code <> 'ambiguous_match'
join series s on s.id = f.offer_id
left join series p on p.id = f.ptc_id
where exists (select from sight
                where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null)
                  and admits_labels(e, s) and admits_block(e, s.block_type))
order by v.dataset_id, s.state collate "C", s.utility collate "C", s.load_zone collate "C",
         coalesce(s.load_profile, '') collate "C", s.term, s.beginning_date, f.number
offset $6 limit $7
