-- The answers of a scope whose rows were loaded, in that order. By which page reference one was asked is told
-- by the answer before it, which may be of another run: a backfill goes on where it was stopped.
select f.fetch_id, f.page, b.next as "page_ref?", lower(f.asked_window) as "from_at!", upper(f.asked_window) as "to_at!",
       f.fetched_at, f.loaded_at as "loaded_at!", f.task_kind, f.document_sha256,
       f.expired_at is not null as "is_expired!"
from feed_fetch f
left join lateral (
    select p.next from feed_fetch p
    where f.page > 1 and p.feed_id = f.feed_id and p.scope = f.scope and p.fetch_id < f.fetch_id
      and p.task_kind = f.task_kind and p.asked_window = f.asked_window and p.page = f.page - 1 and p.next is not null
    order by p.fetch_id desc limit 1
) b on true
where f.feed_id = $1 and f.scope = $2 and f.class = 'ok' and f.asked_window is not null
  and (f.loaded_at, f.fetch_id) > ($3, $4)
order by f.loaded_at, f.fetch_id limit $5
