-- The versions that a download reads, oldest first, with the grants that let each through.
-- $1 dataset, $2 cut-off, $3 only (true) or never (false) close of business,
-- $4 and $5 first and last operating day (null: the newest day that has one),
-- $6 every version of a day instead of its newest, $7 only these versions,
-- $8 and $9 first and last contract month, for axes that have months, $10 the caller's sight,
-- $11 whether the days of the axis are wanted.
with sight as materialized (
    select row_number() over ()::int as n, e from jsonb_populate_recordset(null::entitlement, $10) as e
),
visible as not materialized (
    select id, curve_timestamp, operating_day
    from curve_version v
    where dataset_id = $1 and known_at <= $2
      and ($3::boolean is null or cob = $3)
      and ($7::bigint[] is null or id = any($7))
      and exists (select from sight
                  where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null))
),
newest as (
    select operating_day from visible order by operating_day desc limit 1
),
ranked as (
    select id,
           row_number() over (partition by operating_day order by curve_timestamp desc) as place
    from visible
    where operating_day >= coalesce($4::date, (select operating_day from newest))
      and operating_day <= coalesce($5::date, (select operating_day from newest))
)
select v.id, v.curve_timestamp, v.operating_day, v.cob, v.known_at, v.sha256,
       case when $8::date is null and $9::date is null then v.axis_length
            else (select count(*) from unnest(coalesce(v.months, v.dates)) as place (day)
                  cross join lateral (select date_trunc('month', day)::date) as month (first)
                  where first >= coalesce($8, first) and first <= coalesce($9, first))::int
       end as "places!",
       null::timestamptz as ptc_timestamp,
       array(select n from sight
             where admits_version(e, v.dataset_id, v.operating_day, v.cob, v.valid_to is null)) as "admitted!",
       case when $11::boolean then coalesce(v.months, v.dates) end as days
from ranked r
join curve_version v on v.id = r.id
where r.place = 1 or $6
order by v.curve_timestamp
