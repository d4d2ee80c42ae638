-- What the runner says of a scope, and whom it wakes.

-- The state that was last told, and how often something was told: no event has the id of another.
alter table feed_scope
    add column state text not null default 'new',
    add column told bigint not null default 0,
    add constraint feed_scope_state_check check (state in ('new', 'ok', 'late', 'failing', 'auth', 'paused'));

-- Only what waits for somebody wakes somebody: a run by plan is begun by whoever writes it down.
drop trigger feed_run_tell on feed_run;
create trigger feed_run_tell after insert or update of state on feed_run
    for each row when (new.state = 'queued') execute function tell_channel();
