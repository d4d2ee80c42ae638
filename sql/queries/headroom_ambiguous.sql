-- Offers of versions $1 that match several prices to compare, as many as sight $2 shows.
with sight as materialized (
    select e from jsonb_populate_recordset(null::entitlement, $2) as e
)
select v.id, count(*) as "offers!"
from headroom_version v
cross join lateral (
    select h.offer_id
    from headroom_record r
    join headroom_series h on h.id = r.series_id
    join series s on s.id = h.offer_id
    where r.version_id = v.id and r.basis = 'prompt'
      and exists (select from sight
                  where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null)
                    and admits_labels(e, s) and admits_block(e, s.block_type))
    group by h.offer_id
    having count(*) > 1
) offer
where v.id = any($1) and v.ambiguous > 0
group by v.id
order by v.id
