-- The answers to one feed, newest first.
create index feed_fetch_feed_idx on feed_fetch (feed_id, fetch_id desc);
