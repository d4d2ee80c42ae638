insert into feed as f (feed_id, kind, provider, step_secs, time_semantics, primary_metric, not_before, look_back,
    poll_every, expected_lag, enabled, default_factor_set, attribution, config)
values ($1, $1, $2, $3, $4, $5, $6, make_interval(secs => $7), make_interval(secs => $8),
    make_interval(secs => $9), $10, $11, $12, $13)
on conflict (feed_id) do update set
    provider = excluded.provider, step_secs = excluded.step_secs, time_semantics = excluded.time_semantics,
    primary_metric = excluded.primary_metric, not_before = excluded.not_before, look_back = excluded.look_back,
    poll_every = excluded.poll_every, expected_lag = excluded.expected_lag, enabled = excluded.enabled,
    default_factor_set = excluded.default_factor_set, attribution = excluded.attribution, config = excluded.config
where $14 and f is distinct from excluded
