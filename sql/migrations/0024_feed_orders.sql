-- What a scope waits for, what its marks are of, and what it is called in numbers.

-- One state says that nothing came yet, whether it was tried or not.
alter table feed_scope drop constraint feed_scope_state_check, alter column state set default 'waiting';
update feed_scope set state = 'waiting' where state = 'new';
alter table feed_scope add constraint feed_scope_state_check
    check (state in ('waiting', 'ok', 'late', 'failing', 'auth', 'paused'));

-- From where on, and of which set of factors: marks of another start or set are none.
alter table feed_watermark
    add column history_start timestamptz,
    add column factor_set_id text references factor_set;

-- Scopes as metrics call them: never two of a feed by one name, and no name with a number that names
-- somebody. A meter is called by its id, an account by its beginning.
create view feed_scope_label as
select feed_id, scope,
       left(name, 80) || case when count(*) over (partition by feed_id, left(name, 80)) > 1
                              then '#' || scope_no else '' end as label
from (
    select feed_id, scope, scope_no,
           case
               when coalesce(region_id, meter_id, tariff_code) is null then left(scope, 3) || '***'
               else coalesce(meter_id, scope)
           end as name
    from feed_scope
) named;
