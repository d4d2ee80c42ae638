-- The computed prices of schema bi are a job, too: a version that is due is one, until it is done.

insert into job_kind values
    ('derivation', 'Computed prices', 'Computes the 7x24 prices of a version for Tableau and SQL.', 'derivation');

create or replace view job as
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
