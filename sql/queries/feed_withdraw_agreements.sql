-- What an account once listed for a meter and lists no more; what another document told later stays. Of what
-- was listed before accounts were noted, any account of the meter decides.
with gone as (
    delete from meter_agreement a using feed_fetch h
    where h.fetch_id = a.fetch_id and a.meter_id = $1 and (a.account = $2 or a.account is null)
      and a.valid_from <> all($3)
      and h.fetched_at <= $4
    returning a.*
)
insert into row_revision (table_name, row_key, rev, series_key, start_at, old_values, valid_from, valid_to, reason,
                          fetch_id)
select 'meter_agreement', jsonb_build_object('meter_id', g.meter_id, 'valid_from', g.valid_from), g.rev, g.meter_id,
       g.valid_from, to_jsonb(g), g.changed_at, $5, 'withdrawn', $6
from gone g
returning start_at
