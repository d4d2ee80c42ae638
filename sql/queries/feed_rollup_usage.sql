-- The slots of a meter in a range as columns, in order; suspect ones have no values.
select coalesce(array_agg(extract(epoch from t.start_at)::bigint), '{}') as "starts!",
       coalesce(array_agg(t.secs), '{}') as "secs!",
       coalesce(array_agg(t.quantity), '{}') as "quantity!: Values",
       coalesce(array_agg(t.quality in ('estimated', 'imputed')), '{}') as "estimated!"
from (select start_at, secs, quality, case when quality <> 'suspect' then quantity end as quantity
      from meter_usage where meter_id = $1 and start_at >= $2 and start_at < $3 order by start_at) t
