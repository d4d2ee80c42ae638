-- Which series each of the given versions of a dataset holds, and the notations of those with gaps.
-- Both halves read an index only: the first the primary key, the second curve_gaps_idx.
select v.id as version_id,
       v.months as "months!",
       held.series as "series!",
       coalesce(gaps.series, '{}') as "gapped!",
       coalesce(gaps.notations, '{}') as "notations!"
from (
    select version_id, array_agg(series_id) as series
    from curve
    where dataset_id = $1 and version_id = any($2)
    group by version_id
) held
join curve_version v on v.id = held.version_id
left join (
    select version_id, array_agg(series_id) as series, array_agg(notation) as notations
    from curve
    where dataset_id = $1 and version_id = any($2) and notation ~ '[eb#]'
    group by version_id
) gaps on gaps.version_id = held.version_id
order by v.curve_timestamp, v.id
