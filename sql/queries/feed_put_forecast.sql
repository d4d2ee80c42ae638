insert into carbon_intensity_forecast as f (feed_id, region_id, factor_set_id, issued_at, start_at, secs, generated,
                                            raw_generated, raw_unit, fetch_id)
select $1, $2, p.factor_set_id, p.issued_at, p.start_at, p.secs, p.generated, p.raw_generated, p.raw_unit, $3
from unnest($4::text[], $5::timestamptz[], $6::timestamptz[], $7::integer[], $8::numeric[], $9::numeric[], $10::text[])
     p(factor_set_id, issued_at, start_at, secs, generated, raw_generated, raw_unit)
on conflict (feed_id, region_id, factor_set_id, issued_at, start_at) do update
set secs = excluded.secs, generated = excluded.generated, raw_generated = excluded.raw_generated,
    raw_unit = excluded.raw_unit, fetch_id = excluded.fetch_id
where (f.secs, f.generated, f.raw_generated, f.raw_unit)
      is distinct from (excluded.secs, excluded.generated, excluded.raw_generated, excluded.raw_unit)
  and excluded.generated is not null
  and (select h.fetched_at from feed_fetch h where h.fetch_id = f.fetch_id)
      <= (select h.fetched_at from feed_fetch h where h.fetch_id = excluded.fetch_id)
returning f.factor_set_id, f.issued_at, f.xmax = 0 as "new!"
