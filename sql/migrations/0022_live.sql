-- Live: how far events are told, and to whom.

-- The stream: events by number, without holes.
create table event_stream (
    only_one boolean primary key default true,
    -- The number of the newest event that has one.
    newest bigint not null default 0,
    -- Events up to this number are not kept any more.
    forgotten bigint not null default 0,
    constraint event_stream_one_check check (only_one),
    constraint event_stream_forgotten_check check (forgotten between 0 and newest)
);
insert into event_stream default values;
create trigger event_stream_tell after update of newest on event_stream
    for each statement execute function tell_channel();

-- How far a broker elsewhere was told, so that a restart leaves nothing out.
create table mqtt_broker (
    broker text primary key,
    -- The number of the last event that it has taken.
    stream_seq bigint not null,
    -- The retained topics that it holds of ours: what is produced no more is cleared.
    topics text[] not null,
    -- The newest reading that it was told in the shape of NYISO's.
    read_to timestamptz
);

-- The one series of each region that is shown where nobody names a feed or a set of factors: of the
-- region's default feed and that feed's default set, else of the first that has rows.
create view region_series as
select distinct on (s.region_id) s.region_id, s.feed_id, s.factor_set_id
from intensity_series s
join region r using (region_id)
join feed f using (feed_id)
where exists (
    select from carbon_intensity c
    where (c.feed_id, c.region_id, c.factor_set_id) = (s.feed_id, s.region_id, s.factor_set_id)
)
order by s.region_id, s.feed_id is distinct from r.default_feed_id, not f.enabled,
         s.factor_set_id is distinct from f.default_factor_set, s.feed_id, s.factor_set_id;
