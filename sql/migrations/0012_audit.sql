-- The audit log, append-only for real: who works with the database may add to it and read it, and
-- nothing else; what is past retention is dropped by one function, owned by a role of its own.

-- By this key the e-mail of a failed sign-in is hashed where no user has it: whoever reads the log can
-- tell the same stranger again, and cannot try out who it was.
create table audit_key (
    only_row boolean primary key default true,
    key bytea not null,
    constraint audit_key_row_check check (only_row),
    constraint audit_key_key_check check (octet_length(key) = 32)
);
-- Three times 122 random bits of the operating system.
insert into audit_key (key)
values (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

-- For how long events are kept: the owner of the schema says so, at start, by TRUEPRICE_AUDIT_DAYS.
create table audit_retention (
    only_row boolean primary key default true,
    days integer not null default 400,
    constraint audit_retention_row_check check (only_row),
    constraint audit_retention_days_check check (days between 1 and 36500)
);
insert into audit_retention default values;

create function tell_retention() returns trigger language plpgsql as $$
begin
    insert into audit_event (at, credential, action, object_type, object_id, outcome, detail)
    values (clock_timestamp(), 'command', 'setting_changed', 'setting', 'audit.days', 'ok',
            jsonb_build_object('before', old.days, 'after', new.days));
    return null;
end
$$;
create trigger audit_retention_tell after update on audit_retention
    for each row when (old.days <> new.days) execute function tell_retention();

-- Whoever may delete can delete only what is past retention.
create function refuse_early_drop() returns trigger language plpgsql as $$
begin
    if old.at >= clock_timestamp() - make_interval(days => (select days from public.audit_retention)) then
        raise exception 'the audit log is append-only' using errcode = 'restrict_violation';
    end if;
    return old;
end
$$;
create trigger audit_event_last before delete on audit_event
    for each row execute function refuse_early_drop();

-- The one way out. It takes nothing from its caller: not the time, and not for how long.
create function drop_old_audit() returns bigint language plpgsql security definer
set search_path = pg_catalog, public, pg_temp as $$
declare
    kept_days integer := (select days from audit_retention);
    until_then timestamptz := clock_timestamp() - make_interval(days => kept_days);
    dropped bigint;
begin
    delete from audit_event where at < until_then;
    get diagnostics dropped = row_count;
    if dropped > 0 then
        insert into audit_event (at, credential, action, object_type, outcome, detail)
        values (clock_timestamp(), 'server', 'audit_dropped', 'audit', 'ok',
                jsonb_build_object('rows', dropped, 'before', until_then, 'days', kept_days));
    end if;
    return dropped;
end
$$;
comment on function drop_old_audit is 'Drops the events past retention and tells how many there were.';
revoke execute on function drop_old_audit() from public;

-- Each step of the schema is told in its own transaction, this one first.
create function tell_migration() returns trigger language plpgsql as $$
begin
    insert into audit_event (at, credential, action, object_type, object_id, outcome, detail)
    values (clock_timestamp(), 'command', 'migrated', 'schema', new.version::text, 'ok',
            jsonb_build_object('description', new.description));
    return null;
end
$$;
do $$
begin
    -- It is not there where the steps are done by hand.
    if to_regclass('_sqlx_migrations') is not null then
        create trigger sqlx_migrations_tell after insert on _sqlx_migrations
            for each row execute function tell_migration();
    end if;
end
$$;

create index audit_event_email_idx on audit_event (actor_email, id desc);

-- Makes the roles, where they are lacking, and gives them what they may have; run by the owner of the
-- schema whenever a server starts, so that what later steps add is given too. False where the owner
-- may not make roles: then everything works as the owner, and only the triggers guard the log.
--
-- Roles belong to the whole cluster, and other databases of it may do the same at this moment.
create function separate_roles() returns boolean language plpgsql as $$
declare
    wanted text;
    missing record;
    membership text := case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end;
begin
    perform pg_advisory_xact_lock(7425, 0);
    foreach wanted in array array['trueprice_app', 'trueprice_retention'] loop
        begin
            if not exists (select from pg_roles where rolname = wanted) then
                execute format('create role %I nologin', wanted);
            end if;
        exception when duplicate_object or unique_violation then null;
        end;
        begin
            if not pg_has_role(wanted, membership) then
                execute format('grant %I to current_user', wanted);
            end if;
        exception when unique_violation then null;
        end;
        execute format('grant usage on schema public to %I', wanted);
    end loop;
    grant usage on schema trueprice to trueprice_app;

    for missing in
        select c.oid::regclass as name, string_agg(p, ', ') as privileges
        from pg_class c
        cross join lateral unnest(case
            when c.relname = 'audit_event' then array['select', 'insert']
            when c.relname in ('audit_key', 'audit_retention', '_sqlx_migrations') then array['select']
            when c.relkind in ('v', 'm') then array['select']
            else array['select', 'insert', 'update', 'delete'] end) p
        where c.relnamespace in ('public'::regnamespace, 'trueprice'::regnamespace)
          and c.relkind in ('r', 'p', 'v', 'm') and pg_has_role(c.relowner, 'usage')
          and not has_table_privilege('trueprice_app', c.oid, p)
        group by c.oid
    loop
        execute format('grant %s on %s to trueprice_app', missing.privileges, missing.name);
    end loop;
    for missing in
        select c.oid::regclass as name from pg_class c
        where c.relnamespace = 'public'::regnamespace and pg_has_role(c.relowner, 'usage')
          and case c.relkind when 'S' then not has_sequence_privilege('trueprice_app', c.oid, 'usage')
                             else false end
    loop
        execute format('grant usage on sequence %s to trueprice_app', missing.name);
    end loop;
    for missing in
        select p.oid::regprocedure as name from pg_proc p
        where p.pronamespace = 'public'::regnamespace and pg_has_role(p.proowner, 'usage')
          and p.prokind in ('f', 'p') and not has_function_privilege('trueprice_app', p.oid, 'execute')
    loop
        execute format('grant execute on routine %s to trueprice_app', missing.name);
    end loop;
    alter default privileges in schema public grant select, insert, update, delete on tables to trueprice_app;
    alter default privileges in schema public grant usage on sequences to trueprice_app;
    alter default privileges in schema public grant execute on functions to trueprice_app;

    if not exists (select from pg_proc where oid = 'drop_old_audit()'::regprocedure
                   and proowner = 'trueprice_retention'::regrole) then
        grant select, insert, delete on audit_event to trueprice_retention;
        grant select on audit_retention to trueprice_retention;
        -- An owner must be able to create where its function is; for this statement only.
        grant create on schema public to trueprice_retention;
        alter function drop_old_audit() owner to trueprice_retention;
        revoke create on schema public from trueprice_retention;
    end if;
    return true;
exception when insufficient_privilege then
    raise warning 'the roles trueprice_app and trueprice_retention cannot be made: %', sqlerrm;
    return false;
end
$$;
comment on function separate_roles is 'Makes the roles that the server works as; false where it may not.';
