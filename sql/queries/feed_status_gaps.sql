-- Gaps of a feed, newest first, as far as the reader may know of its meters.
select g.scope, g.start_at, g.end_at, g.state, g.tries, g.next_try, g.opened_at, g.closed_at
from feed_gap g
join feed_scope s on s.feed_id = g.feed_id and s.scope = g.scope
where g.feed_id = $1 and ($2::text is null or g.scope = $2) and ($3::text is null or g.state = $3)
  and ($4::timestamptz is null or (g.start_at, g.scope) < ($4, $5))
  and ($6 or s.meter_id is null and (s.region_id is not null or s.tariff_code is not null)
       or exists (select from meter m where m.meter_id = s.meter_id and m.owner_user_id = $7)
       or exists (select from meter_reader m where m.meter_id = s.meter_id and m.user_id = $7))
order by g.start_at desc, g.scope desc
limit $8
