-- The slots of a meter in a range as columns, in order, with the intensities of the same slots; suspect ones
-- have no values.
select coalesce(array_agg(extract(epoch from t.start_at)::bigint), '{}') as "starts!",
       coalesce(array_agg(t.secs), '{}') as "secs!",
       coalesce(array_agg(t.quantity), '{}') as "quantity!: Values",
       coalesce(array_agg(t.grams), '{}') as "grams!: Values",
       coalesce(array_agg(t.estimated), '{}') as "estimated!"
from (select u.start_at, u.secs, u.quality in ('estimated', 'imputed') as estimated,
             case when u.quality <> 'suspect' then u.quantity end as quantity, i.generated as grams
      from meter_usage u
      left join carbon_intensity i
          on i.feed_id = $4 and i.region_id = $5 and i.factor_set_id = $6 and i.start_at = u.start_at
          and i.start_at >= $2 and i.start_at < $3 and i.secs = u.secs and i.quality <> 'suspect'
      where u.meter_id = $1 and u.start_at >= $2 and u.start_at < $3
      order by u.start_at) t
