-- What was accepted with versions $1: the warnings with code $2, by version and place in the file.
select v.id as version_id, f.finding ->> 'label' as label, f.finding ->> 'message' as "message!"
from curve_version v
cross join lateral jsonb_array_elements(v.findings) with ordinality as f (finding, place)
where v.id = any($1) and f.finding ->> 'code' = $2
order by v.curve_timestamp, f.place
