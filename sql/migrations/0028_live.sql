-- Live: pages of a former program are told to load again, and the newest values of a region are found
-- by looking once.

-- The program that numbered events last; none before the first.
alter table event_stream add column program text;

-- A consumed or marginal intensity is not known of most slots, or months late. What is newest is found
-- without reading all slots since.
create index carbon_intensity_consumed_idx on carbon_intensity (feed_id, region_id, factor_set_id, start_at)
    where consumed is not null;
create index carbon_intensity_marginal_idx on carbon_intensity (feed_id, region_id, factor_set_id, start_at)
    where marginal is not null;
