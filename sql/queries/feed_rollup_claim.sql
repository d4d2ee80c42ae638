-- Takes dirty days of a series, oldest first. A load that marks one again waits for the commit of this,
-- and this waits for the commit of a load that has marked one.
with claimed as (
    select d.period_start from rollup_dirty d
    where d.series_kind = $1 and d.feed_id = $2 and d.subject_id = $3 and d.factor_set_id = $4
      and d.grain = 'day' and d.zone = 'UTC' and d.due_at <= $5
    order by d.period_start limit $6 for update
)
delete from rollup_dirty d using claimed
where d.series_kind = $1 and d.feed_id = $2 and d.subject_id = $3 and d.factor_set_id = $4
  and d.grain = 'day' and d.zone = 'UTC' and d.period_start = claimed.period_start
returning d.period_start, d.tell
