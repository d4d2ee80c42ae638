select v.dataset_id, v.id, v.operating_day, v.curve_timestamp, v.cob, v.series_count
from dataset d
cross join lateral (
    select * from curve_version v
    where v.dataset_id = d.id and v.known_at <= $1
      and exists (select from jsonb_populate_recordset(null::entitlement, $2) as e
                  where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
    order by v.operating_day desc, v.curve_timestamp desc
    limit 1
) v
order by v.dataset_id
