select s.feed_id, s.scope, s.scope_no, s.region_id, s.meter_id, m.mpan as "mpan?", m.serial as "serial?",
       s.tariff_code, s.first_available, s.enabled
from feed_scope s
left join meter m on m.meter_id = s.meter_id
where s.feed_id = $1 and ($2::text is null or s.scope = $2)
order by s.scope
