-- Whether the newest answer to the request of a fetch whose rows were loaded has the same bytes, and all rows of it
-- were taken: another task of the scope may have fetched it at the same time.
select coalesce((
    select other.document_sha256 = f.document_sha256 and other.rows_rejected = 0
    from feed_fetch other
    where other.request_key = f.request_key and other.parser_version = f.parser_version
      and other.loaded_at is not null and other.fetch_id <> f.fetch_id
    order by other.fetch_id desc
    limit 1), false) as "is_loaded!"
from feed_fetch f
where f.fetch_id = $1
