-- What tells one state of a series from another, however many rows it has: how many rows of each month of UTC
-- were written. Years are a dozen of these each, and every writer is counted, whoever it is.
create table feed_change (
    table_name text not null,
    feed_id text not null,
    region_id text not null,
    month date not null,
    changes bigint not null,
    primary key (table_name, feed_id, region_id, month)
);

create function count_feed_change() returns trigger language plpgsql as $$
begin
    insert into feed_change as c (table_name, feed_id, region_id, month, changes)
    select tg_table_name, t.feed_id, t.region_id, date_trunc('month', t.start_at at time zone 'UTC')::date, count(*)
    from touched t group by 2, 3, 4 order by 2, 3, 4
    on conflict (table_name, feed_id, region_id, month) do update set changes = c.changes + excluded.changes;
    return null;
end;
$$;

create trigger carbon_intensity_new after insert on carbon_intensity referencing new table as touched
    for each statement execute function count_feed_change();
create trigger carbon_intensity_changed after update on carbon_intensity referencing new table as touched
    for each statement execute function count_feed_change();
create trigger carbon_intensity_gone after delete on carbon_intensity referencing old table as touched
    for each statement execute function count_feed_change();
create trigger fuel_mix_new after insert on fuel_mix referencing new table as touched
    for each statement execute function count_feed_change();
create trigger fuel_mix_changed after update on fuel_mix referencing new table as touched
    for each statement execute function count_feed_change();
create trigger fuel_mix_gone after delete on fuel_mix referencing old table as touched
    for each statement execute function count_feed_change();

insert into feed_change (table_name, feed_id, region_id, month, changes)
select 'carbon_intensity', feed_id, region_id, date_trunc('month', start_at at time zone 'UTC')::date, count(*)
from carbon_intensity group by 2, 3, 4
union all
select 'fuel_mix', feed_id, region_id, date_trunc('month', start_at at time zone 'UTC')::date, count(*)
from fuel_mix group by 2, 3, 4;
