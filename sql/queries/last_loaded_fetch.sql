-- The last answer to a request whose rows were loaded. One of which rows were left out does not count:
-- what was refused then, such as a row of the future, may be taken now.
select etag, last_modified, document_sha256, next
from feed_fetch
where request_key = $1 and parser_version = $2 and loaded_at is not null and rows_rejected = 0
order by fetch_id desc
limit 1
