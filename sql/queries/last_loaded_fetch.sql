-- The last answer to a request whose rows were loaded; none, if rows of it were left out: what was refused
-- then, such as a row of the future, may be taken now.
select etag, last_modified, document_sha256, next
from (select etag, last_modified, document_sha256, next, rows_rejected
      from feed_fetch
      where request_key = $1 and parser_version = $2 and loaded_at is not null
      order by fetch_id desc
      limit 1) newest
where rows_rejected = 0
