-- Versions with their validity as it was known at the cut-off: until the next newer known version
-- of the day. Newest first.
-- $1 dataset, $2 cut-off, $3 and $4 operating days, $5 only this version,
-- $6 below this curve timestamp, $7 how many, $8 the caller's sight: what it hides ends no validity.
with known as (
    select v.*,
           lead(curve_timestamp) over (partition by operating_day
                                       order by curve_timestamp) as known_valid_to
    from curve_version v
    where known_at <= $2
      and dataset_id = $1
      and ($3::date is null or operating_day >= $3)
      and ($4::date is null or operating_day <= $4)
      and exists (select from jsonb_populate_recordset(null::entitlement, $8) as e
                  where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
)
select k.id, k.dataset_id, k.curve_timestamp, k.known_valid_to as "valid_to?", k.operating_day,
       k.cob, k.known_at, k.upload_id, u.file_name, k.sha256, k.axis_length, k.series_count,
       k.points, k.first_month, k.last_month
from known k
join upload u on u.id = k.upload_id
where ($5::bigint is null or k.id = $5)
  and ($6::timestamptz is null or k.curve_timestamp < $6)
order by k.curve_timestamp desc
limit $7
