select feed_id, provider, step_secs, time_semantics, primary_metric, not_before,
       extract(epoch from look_back)::bigint as "look_back_secs!",
       extract(epoch from poll_every)::bigint as "poll_every_secs!",
       extract(epoch from expected_lag)::bigint as "expected_lag_secs!",
       enabled, default_factor_set, attribution, config
from feed
where ($1::text is null or feed_id = $1) and ($2::text is null or feed_id > $2)
order by feed_id
limit $3
