-- The slots of a series that begin in [$4, $5), as the upstream wrote them. The first letter of a unit and
-- of a quality tells them apart, and a number is quicker to carry than a text.
select start_at, secs, coalesce(raw_generated, generated) as "generated: Number",
       coalesce(raw_consumed, consumed) as "consumed: Number", coalesce(raw_marginal, marginal) as "marginal: Number",
       ascii(case when coalesce(raw_generated, raw_consumed, raw_marginal) is null then 'g' else raw_unit end) as "unit!",
       ascii(quality) as "quality!", rev, changed_at as known_at
from carbon_intensity
where feed_id = $1 and region_id = $2 and factor_set_id = $3 and start_at >= $4 and start_at < $5
order by start_at
