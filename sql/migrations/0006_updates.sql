-- What was published, in order, for those who keep a copy (GET /api/v1/updates).

create table update_feed (
    -- Ascends in the order of commits: see number_update.
    id bigint not null,
    kind text not null,
    dataset_id smallint not null references dataset,
    -- The version that it is about; for headroom the Matrix version.
    version_id bigint not null references curve_version,
    -- The version that took its place; for headroom the PTC version it is compared with.
    other_version_id bigint references curve_version,
    -- A read as of this instant sees what the update tells.
    known_at timestamptz not null,
    note text,
    constraint update_feed_pkey primary key (id),
    constraint update_feed_kind_check check (
        kind in ('version_published', 'version_superseded', 'day_reopened', 'headroom_recomputed')),
    constraint update_feed_other_check check (
        (other_version_id is not null) = (kind in ('version_superseded', 'headroom_recomputed')))
);
comment on table update_feed is
    'Written in the transaction of what it tells. The oldest rows may be deleted; who has not read them is told so.';

create sequence update_feed_id owned by update_feed.id;

-- One row: no update with an id up to this one is certain to be kept.
create table update_feed_start (
    only_row boolean primary key default true,
    forgotten bigint not null,
    constraint update_feed_start_check check (only_row)
);
insert into update_feed_start (forgotten) values (0);

-- Who writes an update holds the feed until the commit and takes its number under that lock, not
-- before: numbers become visible in their order, and a reader who saw one has seen all below it.
-- (Transaction ids would do too, but a restored dump starts these anew.)
create function number_update() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock(7423, 0);
    new.id := nextval('update_feed_id');
    perform pg_notify('update_feed', '');
    return new;
end
$$;
create trigger update_feed_number before insert on update_feed
    for each row execute function number_update();

create function remember_forgotten() returns trigger language plpgsql as $$
begin
    update update_feed_start
    set forgotten = greatest(forgotten, (select max(id) from gone))
    where exists (select from gone);
    return null;
end
$$;
create trigger update_feed_forget after delete on update_feed
    referencing old table as gone for each statement execute function remember_forgotten();

create trigger update_feed_keep before update on update_feed
    for each row execute function refuse_change();
create trigger update_feed_stay before truncate on update_feed
    for each statement execute function refuse_change();
create trigger update_feed_start_stay before delete or truncate on update_feed_start
    for each statement execute function refuse_change();

-- What was published before this table was: versions as they became known, and what each of them
-- took the place of at that instant.
insert into update_feed (kind, dataset_id, version_id, other_version_id, known_at, note)
select kind, dataset_id, version_id, other_version_id, known_at, note
from (
    select 'version_published' as kind, dataset_id, id as version_id, null::bigint as other_version_id,
           known_at, null as note, id as cause, 1 as place
    from curve_version
    union all
    select 'version_superseded', v.dataset_id, older.id, v.id, v.known_at, null, v.id, 2
    from curve_version v
    cross join lateral (
        select o.id from curve_version o
        where o.dataset_id = v.dataset_id and o.operating_day = v.operating_day
          and o.curve_timestamp < v.curve_timestamp and o.known_at < v.known_at
        order by o.curve_timestamp desc
        limit 1) older
    union all
    select 'day_reopened', dataset_id, version_id, null, reopened_at, reason, version_id, 3
    from day_reopening
) past
where known_at < 'infinity'
order by known_at, cause, place;
