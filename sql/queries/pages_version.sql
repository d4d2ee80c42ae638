select v.id, v.dataset_id, v.operating_day, v.curve_timestamp, v.curve_timezone, v.cob, v.valid_to,
       v.known_at, v.upload_id, a.email, u.file_name, v.series_count, v.points,
       coalesce(v.months, '{}') as "months!"
from curve_version v
join upload u on u.id = v.upload_id
join app_user a on a.id = u.uploader
where v.dataset_id = $1 and v.id = $2 and v.known_at <= $3
