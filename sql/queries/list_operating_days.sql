-- Operating days of dataset $1 as known at $2, with series $3 if given, before $4, newest first, $5 how
-- many; of what sight $6 shows.
with sight as materialized (
    select e from jsonb_populate_recordset(null::entitlement, $6) as e
)
select operating_day, count(*) as "versions!", bool_or(cob) as "cob!", bool_or(not cob) as "noncob!"
from curve_version v
where dataset_id = $1 and known_at <= $2
  and ($4::date is null or operating_day < $4)
  and exists (select from sight
              where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)
                and ($3::bigint is null
                     or exists (select from curve c
                                join series s on s.id = c.series_id
                                where c.dataset_id = v.dataset_id and c.version_id = v.id and c.series_id = $3
                                  and admits_labels(e, s) and admits_block(e, s.block_type))))
group by operating_day
order by operating_day desc
limit $5
