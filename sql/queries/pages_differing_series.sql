select coalesce(a.series_id, b.series_id) as "series_id!",
       a.values as "old: Values", b.values as "new: Values"
from (select * from curve where dataset_id = $1 and version_id = $2) a
full join (select * from curve where dataset_id = $1 and version_id = $3) b using (series_id)
where $4 or a.values is distinct from b.values
