-- What an issue told of a slot stays.
insert into carbon_intensity_forecast (feed_id, region_id, factor_set_id, issued_at, start_at, secs, generated,
                                       raw_generated, raw_unit, fetch_id, known_at)
select $1, $2, p.factor_set_id, p.issued_at, p.start_at, p.secs, p.generated, p.raw_generated, p.raw_unit, $3, $11
from unnest($4::text[], $5::timestamptz[], $6::timestamptz[], $7::integer[], $8::numeric[], $9::numeric[], $10::text[])
     p(factor_set_id, issued_at, start_at, secs, generated, raw_generated, raw_unit)
on conflict (feed_id, region_id, factor_set_id, issued_at, start_at) do nothing
returning factor_set_id, issued_at
