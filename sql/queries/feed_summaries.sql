-- The summaries of meters as they were known at an instant.
select s.meter_id as "meter_id!", s.local_date as "local_date!", s.feed_id as "feed_id!",
       s.factor_set_id as "factor_set_id!", s.zone as "zone!", s.slots_expected as "slots_expected!",
       s.slots_used as "slots_used!", s.slots_estimated as "slots_estimated!",
       s.missing_by_feed as "missing_by_feed!", s.kwh, s.grams_co2, s.average_g_per_kwh, s.cost_exc_vat,
       s.cost_inc_vat, s.standing_exc_vat, s.standing_inc_vat, s.mix_percent as "mix_percent: _", s.complete as "complete!",
       s.rev as "rev!"
from unnest($1::text[]) as m (meter_id)
cross join lateral usage_daily_summary_at(m.meter_id, $2, $3, $4) as s
where ($5::text is null or s.factor_set_id = $5)
  and ($6::date is null
       or (s.local_date, s.meter_id, s.feed_id, s.factor_set_id) > ($6, $7::text, $8::text, $9::text))
order by s.local_date, s.meter_id, s.feed_id, s.factor_set_id
limit $10
