-- Of dataset $1 the newest version of each operating day, as known at $2, only ($3 true) or never
-- (false) of close of business, from day $7 to $8, the newest $9 days; of its series $4 the elements
-- at the months $5, or at the $6 months after the day's. All of what sight $10 shows, with the grants that
-- show each version.
with sight as materialized (
    select row_number() over ()::int as n, e from jsonb_populate_recordset(null::entitlement, $10) as e
),
chosen as (
    select distinct on (operating_day) *
    from curve_version v
    where dataset_id = $1 and known_at <= $2
      and ($3::boolean is null or cob = $3)
      and operating_day >= coalesce($7::date, '-infinity')
      and operating_day <= coalesce($8::date, 'infinity')
      and exists (select from sight
                  where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
    order by operating_day desc, curve_timestamp desc
    limit $9
)
select v.operating_day, c.series_id,
       array(select c.values[array_position(v.months, w.month)]
             from unnest(coalesce($5::date[], array(
                 select (date_trunc('month', v.operating_day::timestamp) + make_interval(months => n))::date
                 from generate_series(1, $6::int) as n))) with ordinality as w (month, place)
             order by w.place) as "values!: Values",
       array(select n from sight
             where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)) as "admitted!"
from chosen v
join curve c on c.dataset_id = $1 and c.version_id = v.id and c.series_id = any($4)
order by v.operating_day
