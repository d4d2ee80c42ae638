-- What a page brings refers to one fetch and one or two series. A foreign key looks them up for every row,
-- which is half of the time that a COPY takes; a statement looks up what is new to it once. The rows that are
-- referred to are never deleted: fetches expire, series stay.
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

-- Rollups are computed from days that are marked, and a mark refers to its feed.
alter table rollup drop constraint rollup_feed_id_fkey;

-- How often a day was computed is asked over all measures of a series.
create index rollup_day_idx on rollup (series_kind, feed_id, subject_id, factor_set_id, period_start)
    where grain = 'day' and zone = 'UTC';
