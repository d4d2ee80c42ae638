select start_at as "start_at!",
       before is distinct from start_at - make_interval(secs => $1) as "first!",
       after is distinct from start_at + make_interval(secs => $1) as "last!"
from (select start_at, lag(start_at) over (order by start_at) as before, lead(start_at) over (order by start_at) as after
          from carbon_intensity
          where feed_id = $6 and region_id = $7 and factor_set_id = $8 and start_at >= $2 and start_at < $3
            and (not $4 or generated is not null)) s
where before is distinct from start_at - make_interval(secs => $1)
   or after is distinct from start_at + make_interval(secs => $1)
order by start_at
limit $5
