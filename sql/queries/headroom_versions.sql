-- Versions of the sources $1 known at $2, of the operating days $3 to $4, known before $5, newest
-- first; $6 how many, $7 the caller's sight. Counts are of what it shows.
with sight as materialized (
    select e from jsonb_populate_recordset(null::entitlement, $7) as e
)
select v.id, v.dataset_id, matrix_version_id, ptc_version_id, load_profile_version_id, curve_timestamp,
       operating_day, ptc_timestamp,
       case when w.whole then v.offers else o.offers end as "offers!",
       case when w.whole then v.records else r.records end as "records!",
       case when w.whole then v.ambiguous else r.ambiguous end as "ambiguous!",
       known_at, case when ended_at <= $2 then ended_at end as ended_at
from headroom_version v
cross join lateral (
    select exists (select from sight
                   where ((e).dataset_id is null or (e).dataset_id = v.dataset_id) and is_unlimited(e)) as whole
) w
left join lateral (
    select count(*)::int as offers
    from curve c
    join series s on s.id = c.series_id
    where not w.whole and c.version_id = v.matrix_version_id
      and exists (select from sight
                  where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null)
                    and admits_labels(e, s) and admits_block(e, s.block_type))
) o on true
left join lateral (
    select coalesce(sum(n), 0)::int as records, count(*) filter (where n > 1)::int as ambiguous
    from (
        select count(*) as n
        from headroom_record r
        join headroom_series h on h.id = r.series_id
        join series s on s.id = h.offer_id
        where not w.whole and r.version_id = v.id and r.basis = 'prompt'
          and exists (select from sight
                      where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null)
                        and admits_labels(e, s) and admits_block(e, s.block_type))
        group by h.offer_id
    ) offer
) r on true
where v.dataset_id = any($1) and known_at <= $2
  and ($3::date is null or operating_day >= $3) and ($4::date is null or operating_day <= $4)
  and ($5::bigint is null or v.id < $5)
  and exists (select from sight
              where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null))
order by v.id desc
limit $6
