-- The slots of a series in a range as columns, in order; suspect ones have no values. What generated
-- them weighs them, where it is known; what takes power is no generation.
select coalesce(array_agg(extract(epoch from t.start_at)::bigint), '{}') as "starts!",
       coalesce(array_agg(t.secs), '{}') as "secs!",
       coalesce(array_agg(t.generated), '{}') as "generated!: Values",
       coalesce(array_agg(t.consumed), '{}') as "consumed!: Values",
       coalesce(array_agg(t.marginal), '{}') as "marginal!: Values",
       coalesce(array_agg(t.mw), '{}') as "mw!: Values",
       coalesce(array_agg(t.estimated), '{}') as "estimated!"
from (select i.start_at, i.secs,
             case when i.quality <> 'suspect' then i.generated end as generated,
             case when i.quality <> 'suspect' then i.consumed end as consumed,
             case when i.quality <> 'suspect' then i.marginal end as marginal,
             w.mw, i.quality in ('estimated', 'imputed') as estimated
      from carbon_intensity i
      left join (select m.start_at, sum(m.mw) as mw from fuel_mix m
                 where m.feed_id = $1 and m.region_id = $2 and m.start_at >= $4 and m.start_at < $5
                   and m.mw > 0
                 group by m.start_at) w on w.start_at = i.start_at
      where i.feed_id = $1 and i.region_id = $2 and i.factor_set_id = $3
        and i.start_at >= $4 and i.start_at < $5
      order by i.start_at) t
