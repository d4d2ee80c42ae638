-- What a page brings refers to one fetch and one or two series. A foreign key looks them up for every row,
-- which is half of the time that a COPY takes; here a statement looks up once what is new to it. The other
-- direction is simpler still: a fetch expires and a series stays, neither is ever deleted.
alter table carbon_intensity drop constraint carbon_intensity_fetch_id_fkey;
alter table carbon_intensity drop constraint carbon_intensity_series_fkey;

create function carbon_intensity_refers() returns trigger language plpgsql as $$
declare
    astray record;
begin
    select a.* into astray
    from (select distinct feed_id, region_id, factor_set_id, fetch_id from brought) a
    where not exists (select from feed_fetch f where f.fetch_id = a.fetch_id)
       or not exists (select from intensity_series s
                      where (s.feed_id, s.region_id, s.factor_set_id) = (a.feed_id, a.region_id, a.factor_set_id))
    limit 1;
    if found then
        raise foreign_key_violation using message = format(
            'carbon_intensity refers to fetch %s and series %s/%s/%s, one of which is not there',
            astray.fetch_id, astray.feed_id, astray.region_id, astray.factor_set_id);
    end if;
    return null;
end $$;

create trigger carbon_intensity_refers_new after insert on carbon_intensity
    referencing new table as brought for each statement execute function carbon_intensity_refers();
create trigger carbon_intensity_refers_changed after update on carbon_intensity
    referencing new table as brought for each statement execute function carbon_intensity_refers();

-- The same for rollups, whose rows are half as many.
alter table rollup drop constraint rollup_feed_id_fkey;

create function rollup_refers() returns trigger language plpgsql as $$
declare
    astray text;
begin
    select a.feed_id into astray
    from (select distinct feed_id from computed) a
    where not exists (select from feed f where f.feed_id = a.feed_id)
    limit 1;
    if found then
        raise foreign_key_violation using message = format('rollup refers to feed %s, which is not there', astray);
    end if;
    return null;
end $$;

create trigger rollup_refers_new after insert on rollup
    referencing new table as computed for each statement execute function rollup_refers();
create trigger rollup_refers_changed after update on rollup
    referencing new table as computed for each statement execute function rollup_refers();

create function is_referred_to() returns trigger language plpgsql as $$
begin
    raise foreign_key_violation using message = format('rows of %s are never deleted: others refer to them', tg_table_name);
end $$;

create trigger feed_fetch_stays before delete or truncate on feed_fetch
    for each statement execute function is_referred_to();
create trigger intensity_series_stays before delete or truncate on intensity_series
    for each statement execute function is_referred_to();
create trigger feed_stays before delete or truncate on feed
    for each statement execute function is_referred_to();

-- How often a day was computed is asked over all measures of a series.
create index rollup_day_idx on rollup (series_kind, feed_id, subject_id, factor_set_id, period_start)
    where grain = 'day' and zone = 'UTC';
