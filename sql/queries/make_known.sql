update curve_version v
set known_at = greatest(
    clock_timestamp(),
    (select max(o.known_at) + interval '1 microsecond'
     from curve_version o
     where o.dataset_id = v.dataset_id and o.known_at <> 'infinity'))
where v.id = $1
returning v.known_at
