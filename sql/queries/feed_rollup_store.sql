-- A row whose figures are another gets its next revision; all else stays.
insert into rollup (series_kind, feed_id, subject_id, factor_set_id, measure, grain, zone, period_start, period_end,
                    mean_time, mean_weighted, weight_kind, sum_value, min_value, max_value,
                    n_expected, n_present, n_estimated, complete, computed_at)
select $1, $2, $3, $4, r.*, $5
from unnest($6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::timestamptz[],
            $11::numeric[], $12::numeric[], $13::text[], $14::numeric[], $15::numeric[], $16::numeric[],
            $17::integer[], $18::integer[], $19::integer[], $20::boolean[]) r
on conflict (series_kind, feed_id, subject_id, factor_set_id, measure, grain, zone, period_start) do update
set period_end = excluded.period_end, mean_time = excluded.mean_time, mean_weighted = excluded.mean_weighted,
    weight_kind = excluded.weight_kind, sum_value = excluded.sum_value, min_value = excluded.min_value,
    max_value = excluded.max_value, n_expected = excluded.n_expected, n_present = excluded.n_present,
    n_estimated = excluded.n_estimated, complete = excluded.complete, computed_at = excluded.computed_at,
    rev = rollup.rev + 1
where (rollup.period_end, rollup.mean_time, rollup.mean_weighted, rollup.weight_kind, rollup.sum_value,
       rollup.min_value, rollup.max_value, rollup.n_expected, rollup.n_present, rollup.n_estimated, rollup.complete)
      is distinct from
      (excluded.period_end, excluded.mean_time, excluded.mean_weighted, excluded.weight_kind, excluded.sum_value,
       excluded.min_value, excluded.max_value, excluded.n_expected, excluded.n_present, excluded.n_estimated,
       excluded.complete)
