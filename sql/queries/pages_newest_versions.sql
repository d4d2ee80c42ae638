select v.dataset_id, v.id, v.operating_day, v.curve_timestamp, v.cob, v.series_count
from dataset d
cross join lateral (
    select * from curve_version v
    where v.dataset_id = d.id and v.known_at <= $1
    order by v.operating_day desc, v.curve_timestamp desc
    limit 1
) v
order by v.dataset_id
