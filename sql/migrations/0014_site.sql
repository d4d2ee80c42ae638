-- Running the house: the two switches of the site, and the jobs with what became of them.

-- A token is let in while api_open, a browser while ui_open; an administrator always. The message is
-- for those who are not; empty: the server has words of its own.
alter table site
    add column ui_open boolean not null default true,
    add column ui_message text not null default '',
    add column api_open boolean not null default true,
    add column api_message text not null default '',
    add constraint site_ui_message_check check (char_length(ui_message) <= 1000),
    add constraint site_api_message_check check (char_length(api_message) <= 1000);

-- Whether the views of BI are open: they follow the API. For roles that may read no table; whoever
-- grants it to them lets administrators pass beside it.
create function bi_is_open() returns boolean
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
    select api_open from public.site
$$;
revoke execute on function bi_is_open() from public;
comment on function bi_is_open is 'Whether the switch of the API, which BI follows, is on.';

-- What works in the background.
create table job_kind (
    kind text primary key,
    name text not null,
    note text not null,
    -- Whoever works at it listens here: a word makes it look at once.
    channel text not null
);
insert into job_kind values
    ('headroom', 'Headroom', 'Holds the offers of a Matrix against the price to compare.', 'headroom'),
    ('derivation', 'Computed prices', 'Computes the 7x24 prices of a version for Tableau and SQL.', 'derivation');

-- Of each job how often it was tried, and what went wrong the last time that something did.
create table job_attempt (
    kind text not null references job_kind,
    -- As view job has it.
    id bigint not null,
    attempts integer not null,
    last_at timestamptz not null,
    last_error text,
    primary key (kind, id),
    constraint job_attempt_attempts_check check (attempts > 0)
);
comment on table job_attempt is 'Attempts at jobs; a job without a row was not tried.';

-- Every job. Another kind of job is a row in job_kind and a branch of the inner select. A job runs while
-- a server holds the advisory lock that its worker takes (null: it takes none): a worker that is killed
-- leaves nothing behind that looks like work.
create view job as
select w.kind, w.id, w.dataset_id, w.version_id, w.created_at, w.done_at,
       coalesce(a.attempts, w.is_done::integer) as attempts, a.last_at, a.last_error,
       case when w.is_done then 'done'
            when exists (select from pg_locks l
                         where l.locktype = 'advisory' and l.granted and l.objsubid = 2
                           and l.database = (select oid from pg_database where datname = current_database())
                           and l.classid = w.lock_class::oid and l.objid = w.lock_key::oid) then 'running'
            when a.last_error is not null then 'failed'
            else 'waiting'
       end as state
from (
    select e.kind, e.id, e.dataset_id, e.version_id, e.created_at, d.done_at, d.event_id is not null as is_done,
           7424 as lock_class, 100 + e.dataset_id % 10 as lock_key
    from event e
    left join headroom_done d on d.event_id = e.id
    where e.kind = 'headroom'
    union all
    -- Its worker holds the row itself; a version that is done is due no more.
    select 'derivation', q.version_id, v.dataset_id, q.version_id, v.known_at, null, false, null, null
    from derivation_due q
    join curve_version v on v.id = q.version_id
) w
left join job_attempt a on a.kind = w.kind and a.id = w.id;
comment on view job is 'What works in the background, and what became of it: waiting, running, failed (and tried again), done.';
