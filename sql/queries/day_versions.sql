select v.id, v.curve_timestamp, v.cob, v.valid_to, v.sha256,
       v.cob and not exists (select from day_reopening r where r.version_id = v.id) as "closes_day!"
from curve_version v
-- A version at the same instant counts even if its day was told in another zone.
where v.dataset_id = $1 and (v.operating_day = $2 or v.curve_timestamp = $3)
