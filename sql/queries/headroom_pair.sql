-- The newest operating day whose current Matrix version (dataset $1) has no headroom against its PTC
-- version (dataset $2): the newest current one whose day is not later. Not those of $3.
select m.id as matrix_id, m.curve_timestamp, m.operating_day, p.id as ptc_id,
       p.curve_timestamp as ptc_timestamp
from curve_version m
cross join lateral (
    select id, curve_timestamp
    from curve_version
    where dataset_id = $2 and valid_to is null and operating_day <= m.operating_day
    order by operating_day desc
    limit 1
) p
where m.dataset_id = $1 and m.valid_to is null and m.id <> all($3::bigint[])
  and not exists (select from headroom_version h
                  where h.matrix_version_id = m.id and h.ptc_version_id = p.id)
order by m.operating_day desc
limit 1
