-- Windows that an upstream refused, and where a history was found to begin.

-- Of the windows that are done, those that were refused for good: their slots are gaps.
alter table feed_backfill add column windows_failed integer not null default 0;

-- One that could not go on does now, past what stopped it; of several of one range the last.
update feed_backfill b set state = 'queued', finished_at = null
where state = 'failed' and not exists (
    select from feed_backfill later
    where (later.feed_id, later.scope) = (b.feed_id, b.scope) and later.backfill_id > b.backfill_id
      and later.from_at <= b.from_at and later.to_at >= b.to_at);

-- Nothing is there before this: the upstream said so of each document that would have been. Null: as
-- the feed and its settings say.
alter table feed_watermark add column begins_at timestamptz;
