-- Dirty stretches of base rows, a UTC day each: every period that meets one is computed again.
alter table rollup_dirty
    -- Whether an event tells of the day when it is computed: its slots were not told one by one.
    add column tell boolean not null default false,
    -- Not before: a period that is full but has not ended is looked at again at its end.
    add column due_at timestamptz not null default '-infinity',
    add constraint rollup_dirty_day_check check (grain = 'day' and zone = 'UTC');

-- The rows of a range of one series as they were known at an instant. A row that was changed later is
-- taken from its revisions, or was not there yet.
create function carbon_intensity_at(feed text, region text, factor_sets text[], from_at timestamptz,
                                    to_at timestamptz, as_of timestamptz)
returns setof carbon_intensity language sql stable parallel safe as $$
    select t.* from carbon_intensity t
    where t.feed_id = feed and t.region_id = region and t.factor_set_id = any(factor_sets)
      and t.start_at >= from_at and t.start_at < to_at and t.changed_at <= as_of
    union all
    select old.* from row_revision r, jsonb_populate_record(null::carbon_intensity, r.old_values) old
    where r.table_name = 'carbon_intensity'
      and r.series_key in (select concat_ws('/', feed, region, s) from unnest(factor_sets) s)
      and r.start_at >= from_at and r.start_at < to_at and r.valid_from <= as_of and as_of < r.valid_to
$$;

create function fuel_mix_at(feed text, region text, from_at timestamptz, to_at timestamptz, as_of timestamptz)
returns setof fuel_mix language sql stable parallel safe as $$
    select t.* from fuel_mix t
    where t.feed_id = feed and t.region_id = region
      and t.start_at >= from_at and t.start_at < to_at and t.changed_at <= as_of
    union all
    select old.* from row_revision r, jsonb_populate_record(null::fuel_mix, r.old_values) old
    where r.table_name = 'fuel_mix' and r.series_key = concat_ws('/', feed, region)
      and r.start_at >= from_at and r.start_at < to_at and r.valid_from <= as_of and as_of < r.valid_to
$$;

create function fuel_sample_at(feed text, region text, from_at timestamptz, to_at timestamptz, as_of timestamptz)
returns setof fuel_sample language sql stable parallel safe as $$
    select t.* from fuel_sample t
    where t.feed_id = feed and t.region_id = region
      and t.sampled_at >= from_at and t.sampled_at < to_at and t.changed_at <= as_of
    union all
    select old.* from row_revision r, jsonb_populate_record(null::fuel_sample, r.old_values) old
    where r.table_name = 'fuel_sample' and r.series_key = concat_ws('/', feed, region)
      and r.start_at >= from_at and r.start_at < to_at and r.valid_from <= as_of and as_of < r.valid_to
$$;

create function meter_usage_at(meter text, from_at timestamptz, to_at timestamptz, as_of timestamptz)
returns setof meter_usage language sql stable parallel safe as $$
    select t.* from meter_usage t
    where t.meter_id = meter and t.start_at >= from_at and t.start_at < to_at and t.changed_at <= as_of
    union all
    select old.* from row_revision r, jsonb_populate_record(null::meter_usage, r.old_values) old
    where r.table_name = 'meter_usage' and r.series_key = meter
      and r.start_at >= from_at and r.start_at < to_at and r.valid_from <= as_of and as_of < r.valid_to
$$;

-- Spans are few: all agreements of a meter, all prices of a tariff.
create function meter_agreement_at(meter text, as_of timestamptz)
returns setof meter_agreement language sql stable parallel safe as $$
    select t.* from meter_agreement t where t.meter_id = meter and t.changed_at <= as_of
    union all
    select old.* from row_revision r, jsonb_populate_record(null::meter_agreement, r.old_values) old
    where r.table_name = 'meter_agreement' and r.series_key = meter
      and r.valid_from <= as_of and as_of < r.valid_to
$$;

-- Those that begin in a range; what is valid at its start may have begun before.
create function tariff_price_at(provider text, tariff text, from_at timestamptz, to_at timestamptz, as_of timestamptz)
returns setof tariff_price language sql stable parallel safe as $$
    select t.* from tariff_price t
    where t.provider = tariff_price_at.provider and t.tariff_code = tariff
      and t.valid_from >= from_at and t.valid_from < to_at and t.changed_at <= as_of
    union all
    select old.* from row_revision r, jsonb_populate_record(null::tariff_price, r.old_values) old
    where r.table_name = 'tariff_price'
      and r.series_key in (select concat_ws('/', tariff_price_at.provider, tariff, k.kind, m.method)
                           from unnest(array['standard', 'day', 'night', 'standing']) k(kind),
                                (select distinct p.payment_method from tariff_price p
                                 where p.provider = tariff_price_at.provider and p.tariff_code = tariff) m(method))
      and r.start_at >= from_at and r.start_at < to_at and r.valid_from <= as_of and as_of < r.valid_to
$$;

create function usage_daily_summary_at(meter text, from_day date, to_day date, as_of timestamptz)
returns setof usage_daily_summary language sql stable parallel safe as $$
    select t.* from usage_daily_summary t
    where t.meter_id = meter and t.local_date >= from_day and t.local_date < to_day and t.changed_at <= as_of
    union all
    select old.* from row_revision r, jsonb_populate_record(null::usage_daily_summary, r.old_values) old
    where r.table_name = 'usage_daily_summary'
      and r.series_key in (select concat_ws('/', meter, s.feed_id, s.factor_set_id)
                           from (select distinct feed_id, factor_set_id from usage_daily_summary
                                 where meter_id = meter) s)
      and old.local_date >= from_day and old.local_date < to_day and r.valid_from <= as_of and as_of < r.valid_to
$$;
