-- Stretches of a series ($1 feed, $2 region, $3 set) in [$4, $5) whose sums by grain $6 and zone $7 do not say what
-- was known at $8: days that still wait to be summed up; and, where that is not now but an instant that a list
-- began at ($9), days of rows that were restated since, and periods that were summed up since or so shortly
-- before that they may hold what came after.
select d.period_start as "from!", d.period_start + interval '1 day' as "to!"
from rollup_dirty d
where d.series_kind = 'intensity' and d.feed_id = $1 and d.subject_id = $2 and d.factor_set_id = $3
  and d.grain = 'day' and d.zone = 'UTC' and d.due_at <= $8
  and d.period_start > $4::timestamptz - interval '1 day' and d.period_start < $5
union
select date_trunc('day', r.start_at, 'UTC'), date_trunc('day', r.start_at, 'UTC') + interval '1 day'
from row_revision r
where $9 and (r.table_name = 'carbon_intensity' and r.series_key = concat_ws('/', $1::text, $2::text, $3::text)
              or r.table_name = 'fuel_mix' and r.series_key = concat_ws('/', $1::text, $2::text))
  and r.valid_to > $8 and r.start_at >= $4 and r.start_at < $5
union
select p.period_start, p.period_end
from rollup p
where $9 and p.series_kind = 'intensity' and p.feed_id = $1 and p.subject_id = $2 and p.factor_set_id = $3
  and p.measure in ('generated', 'consumed', 'marginal') and p.grain = $6 and p.zone = $7
  and p.period_start >= $4 and p.period_start < $5
  and p.computed_at > $8::timestamptz - interval '10 minutes'
order by 1, 2
