-- An issue of a forecast stays as it was told first; from then on its points are known.
alter table carbon_intensity_forecast add column known_at timestamptz;
update carbon_intensity_forecast f set known_at = coalesce(h.loaded_at, h.fetched_at)
from feed_fetch h where h.fetch_id = f.fetch_id;
alter table carbon_intensity_forecast alter column known_at set not null;

create or replace view trueprice.carbon_intensity_forecast with (security_barrier) as
select f.region_id, f.feed_id, f.factor_set_id, f.issued_at, f.start_at,
       f.start_at + make_interval(secs => f.secs) as end_at, f.start_at at time zone g.zone as start_local, f.secs,
       f.generated, f.consumed, f.marginal, f.known_at
from public.carbon_intensity_forecast f
join public.region g using (region_id)
where (select bi_reads_feeds()) and bi_settings_are_good()
  and f.known_at <= coalesce((select bi_as_of()), 'infinity');

-- Which account lists an agreement: what it lists no more is withdrawn, what another one listed is not.
alter table meter_agreement add column account text;

-- Whether a meter of gas counts kWh or cubic metres is told by no document.
alter table meter alter column unit drop not null;
