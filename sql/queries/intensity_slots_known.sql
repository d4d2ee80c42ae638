-- The same as they were known at $6.
select start_at as "start_at!", secs as "secs!", coalesce(raw_generated, generated) as "generated: Number",
       coalesce(raw_consumed, consumed) as "consumed: Number", coalesce(raw_marginal, marginal) as "marginal: Number",
       ascii(case when coalesce(raw_generated, raw_consumed, raw_marginal) is null then 'g' else raw_unit end) as "unit!",
       ascii(quality) as "quality!", rev as "rev!", changed_at as "known_at!"
from carbon_intensity_at($1, $2, array[$3::text], $4, $5, $6)
order by start_at
