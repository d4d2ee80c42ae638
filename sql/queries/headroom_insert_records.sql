insert into headroom_record (version_id, basis, series_id, month, ptc, retail_price, headroom, headroom_pct)
select $1, r.basis, s.id, r.month, r.ptc, r.retail_price, r.headroom, r.headroom_pct
from unnest($2::text[], $3::bigint[], $4::bigint[], $5::date[], $6::numeric[], $7::numeric[],
            $8::numeric[], $9::numeric[])
     as r (basis, offer_id, ptc_id, month, ptc, retail_price, headroom, headroom_pct)
join headroom_series s on s.offer_id = r.offer_id and s.ptc_id = r.ptc_id
