-- Feeds: documents that are fetched instead of uploaded, and the rows that they restate one interval
-- at a time. Base tables live here; what SQL users may read are the views of schema trueprice.

-- Where electricity is generated and used.
create table region (
    region_id text primary key,
    name text not null,
    -- IANA; it serves calendar windows and display only.
    zone text not null,
    parent_id text references region,
    country text not null,
    default_feed_id text,
    constraint region_id_check check (region_id ~ '^[A-Z0-9.-]{2,40}$')
);

-- The code by which a provider knows a region.
create table region_alias (
    provider text not null,
    code text not null,
    region_id text not null references region,
    primary key (provider, code)
);

-- A named set of emission factors; another set is another series.
create table factor_set (
    factor_set_id text primary key,
    provider text not null,
    basis text not null,
    note text not null default '',
    constraint factor_set_basis_check check (basis in ('direct', 'lifecycle', 'provider'))
);

create table emission_factor (
    factor_set_id text not null references factor_set,
    -- A region, or * for all others.
    region_id text not null default '*',
    fuel text not null,
    valid_from date not null,
    valid_to date,
    g_per_kwh numeric(18, 9) not null,
    source text not null,
    primary key (factor_set_id, region_id, fuel, valid_from),
    constraint emission_factor_valid_check check (valid_to > valid_from)
);

-- The feeds as code and settings have them; written at each start.
create table feed (
    feed_id text primary key,
    kind text not null,
    provider text not null,
    step_secs integer,
    time_semantics text not null,
    -- Null where a feed has no watermark of slots: spans, forecasts.
    primary_metric text,
    not_before timestamptz not null,
    look_back interval not null,
    poll_every interval not null,
    expected_lag interval not null,
    enabled boolean not null,
    default_factor_set text references factor_set,
    attribution text not null default '',
    -- The settings in force without secrets.
    config jsonb not null,
    constraint feed_time_semantics_check
        check (time_semantics in ('interval_start', 'interval_end', 'instant', 'explicit', 'span'))
);
alter table region add constraint region_default_feed_fkey foreign key (default_feed_id) references feed
    deferrable initially deferred;

-- A meter and whose it is. Its number names nobody in addresses, labels or topics: the id does.
create table meter (
    meter_id text primary key,
    fuel_kind text not null,
    direction text not null,
    unit text not null,
    zone text not null,
    mpan text not null,
    serial text not null,
    region_id text references region,
    owner_user_id uuid references app_user on delete set null,
    constraint meter_point_key unique (fuel_kind, mpan, serial),
    constraint meter_fuel_kind_check check (fuel_kind in ('electricity', 'gas')),
    constraint meter_direction_check check (direction in ('import', 'export')),
    constraint meter_unit_check check (unit in ('kWh', 'm3'))
);

-- Who besides the owner may read a meter.
create table meter_reader (
    meter_id text not null references meter on delete cascade,
    user_id uuid not null references app_user on delete cascade,
    primary key (meter_id, user_id)
);

-- The unit of progress, lease, watermark and failure inside a feed.
create table feed_scope (
    feed_id text not null references feed,
    scope text not null,
    -- Under which its loads and the reads of what it loads are put in order.
    scope_no integer not null generated always as identity,
    region_id text references region,
    meter_id text references meter,
    tariff_code text,
    first_available timestamptz not null,
    enabled boolean not null,
    primary key (feed_id, scope),
    constraint feed_scope_no_key unique (scope_no)
);

create table feed_task (
    task_id bigint primary key generated always as identity,
    feed_id text not null,
    scope text not null,
    task_kind text not null,
    priority smallint not null,
    next_due timestamptz not null,
    paused boolean not null default false,
    fail_count integer not null default 0,
    last_ok timestamptz,
    last_try timestamptz,
    last_class text,
    last_error text,
    lease_owner uuid,
    lease_until timestamptz,
    lease_epoch bigint not null default 0,
    constraint feed_task_key unique (feed_id, scope, task_kind),
    constraint feed_task_scope_fkey foreign key (feed_id, scope) references feed_scope,
    constraint feed_task_kind_check check (task_kind in ('live', 'sweep', 'backfill', 'manual')),
    constraint feed_task_lease_check check ((lease_owner is null) = (lease_until is null))
);
create index feed_task_due_idx on feed_task (priority, next_due) where not paused;

create table feed_watermark (
    feed_id text not null,
    scope text not null,
    -- End of the newest slot with the primary metric; never moves back.
    high_water timestamptz,
    -- End of the unbroken run of such slots from the start of history.
    contiguous_to timestamptz,
    updated_at timestamptz not null,
    primary key (feed_id, scope),
    constraint feed_watermark_scope_fkey foreign key (feed_id, scope) references feed_scope
);

create table feed_gap (
    feed_id text not null,
    scope text not null,
    start_at timestamptz not null,
    end_at timestamptz not null,
    state text not null,
    tries integer not null default 0,
    next_try timestamptz,
    opened_at timestamptz not null,
    closed_at timestamptz,
    primary key (feed_id, scope, start_at),
    constraint feed_gap_scope_fkey foreign key (feed_id, scope) references feed_scope,
    constraint feed_gap_end_check check (end_at > start_at),
    constraint feed_gap_state_check check (state in ('open', 'filled', 'upstream_absent')),
    constraint feed_gap_closed_check check ((state = 'open') = (closed_at is null))
);
create index feed_gap_open_idx on feed_gap (feed_id, scope, start_at) where state = 'open';

create table feed_backfill (
    backfill_id bigint primary key generated always as identity,
    feed_id text not null,
    scope text not null,
    from_at timestamptz not null,
    to_at timestamptz not null,
    -- {"window_start": instant, "page": number or link}; null before the first page.
    cursor jsonb,
    state text not null,
    -- One event a slot even where it is old; else one a changed day.
    every_slot boolean not null default false,
    windows_total integer not null,
    windows_done integer not null default 0,
    rows_new bigint not null default 0,
    rows_changed bigint not null default 0,
    rows_same bigint not null default 0,
    requested_by uuid references app_user on delete set null,
    requested_at timestamptz not null,
    started_at timestamptz,
    progress_at timestamptz,
    finished_at timestamptz,
    last_error text,
    constraint feed_backfill_scope_fkey foreign key (feed_id, scope) references feed_scope,
    constraint feed_backfill_range_check check (to_at > from_at),
    constraint feed_backfill_state_check
        check (state in ('queued', 'running', 'paused', 'done', 'failed', 'cancelled'))
);
create index feed_backfill_open_idx on feed_backfill (feed_id, scope, from_at)
    where state in ('queued', 'running', 'paused');

-- One pass over the scope of a feed, by plan or by hand. A manual run waits here as queued.
create table feed_run (
    run_id bigint primary key generated always as identity,
    feed_id text not null,
    scope text not null,
    task_kind text not null,
    -- What was asked for; null: what is due.
    from_at timestamptz,
    to_at timestamptz,
    requested_by uuid references app_user on delete set null,
    requested_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    state text not null,
    -- {"windows","pages","new","changed","same","rejected","findings"} as far as it came, and "error".
    totals jsonb not null default '{}',
    constraint feed_run_scope_fkey foreign key (feed_id, scope) references feed_scope,
    constraint feed_run_state_check check (state in ('queued', 'running', 'done', 'failed'))
);
create index feed_run_scope_idx on feed_run (feed_id, scope, run_id desc);
create index feed_run_queued_idx on feed_run (feed_id, scope, run_id) where state = 'queued';

-- One answer of an upstream, or one that did not come.
create table feed_fetch (
    fetch_id bigint primary key generated always as identity,
    run_id bigint not null references feed_run,
    feed_id text not null,
    scope text not null,
    task_kind text not null,
    url_redacted text not null,
    -- Which request: the digest of the address before redaction and of what else decides the answer.
    request_key bytea not null,
    asked_window tstzrange,
    page integer not null,
    attempt smallint not null,
    status smallint,
    class text not null,
    etag text,
    last_modified text,
    answered_at text,
    fetched_at timestamptz not null,
    duration_ms integer not null,
    bytes bigint not null default 0,
    document_sha256 bytea references document,
    parser_version integer not null,
    -- Null until its rows are loaded.
    loaded_at timestamptz,
    rows_new integer not null default 0,
    rows_changed integer not null default 0,
    rows_same integer not null default 0,
    rows_rejected integer not null default 0,
    findings jsonb not null default '[]',
    lease_epoch bigint not null,
    -- The page after it, as the upstream told: what an unchanged answer does not tell again.
    next jsonb,
    -- When its document was let go: a later one holds the same keys.
    expired_at timestamptz,
    constraint feed_fetch_scope_fkey foreign key (feed_id, scope) references feed_scope,
    constraint feed_fetch_class_check check (class in ('ok', 'unchanged', 'not_yet', 'no_data', 'throttled',
        'transient', 'auth', 'client_error', 'bad_body', 'too_large', 'config'))
);
create index feed_fetch_scope_idx on feed_fetch (feed_id, scope, fetch_id desc);
create index feed_fetch_request_idx on feed_fetch (request_key, fetch_id desc);
create index feed_fetch_document_idx on feed_fetch (document_sha256);

-- The patience of all servers with one upstream.
create table upstream_host (
    host text primary key,
    tokens double precision not null,
    refilled_at timestamptz not null,
    rate double precision not null,
    burst double precision not null,
    -- Asked to wait until then.
    not_before timestamptz,
    failures integer not null default 0,
    breaker_state text not null default 'closed',
    breaker_until timestamptz,
    constraint upstream_host_breaker_check check (breaker_state in ('closed', 'open', 'half_open'))
);

-- Which intensities there are. The rows refer to it alone, and through it to feed, region and set.
create table intensity_series (
    feed_id text not null references feed,
    region_id text not null references region,
    factor_set_id text not null references factor_set,
    primary key (feed_id, region_id, factor_set_id)
);

create table carbon_intensity (
    feed_id text not null,
    region_id text not null,
    factor_set_id text not null,
    start_at timestamptz not null,
    secs integer not null,
    -- g/kWh.
    generated numeric(18, 9),
    consumed numeric(18, 9),
    marginal numeric(18, 9),
    -- As the upstream wrote them, in raw_unit.
    raw_generated numeric,
    raw_consumed numeric,
    raw_marginal numeric,
    raw_unit text not null,
    raw jsonb,
    quality text not null,
    src_key text,
    src_updated_at timestamptz,
    rev integer not null default 1,
    content_hash bytea not null,
    first_seen timestamptz not null,
    changed_at timestamptz not null,
    fetch_id bigint not null references feed_fetch,
    primary key (feed_id, region_id, factor_set_id, start_at),
    constraint carbon_intensity_series_fkey
        foreign key (feed_id, region_id, factor_set_id) references intensity_series,
    constraint carbon_intensity_secs_check check (secs > 0),
    constraint carbon_intensity_quality_check check (quality in ('measured', 'estimated', 'imputed', 'suspect'))
) partition by range (start_at);
comment on table carbon_intensity is 'Intensity of one slot [start_at, start_at + secs) in g/kWh; null is unknown.';
do $$
begin
    for year in 2015..2045 loop
        execute format('create table %I partition of carbon_intensity for values from (%L) to (%L)',
                       'carbon_intensity_' || year, year || '-01-01 00:00Z', (year + 1) || '-01-01 00:00Z');
    end loop;
    create table carbon_intensity_other partition of carbon_intensity default;
end
$$;

create table carbon_intensity_forecast (
    feed_id text not null,
    region_id text not null,
    factor_set_id text not null,
    issued_at timestamptz not null,
    start_at timestamptz not null,
    secs integer not null,
    generated numeric(18, 9),
    consumed numeric(18, 9),
    marginal numeric(18, 9),
    -- As the upstream wrote the value of its metric, in raw_unit.
    raw_generated numeric,
    raw_unit text not null,
    fetch_id bigint not null references feed_fetch,
    primary key (feed_id, region_id, factor_set_id, issued_at, start_at),
    constraint carbon_intensity_forecast_series_fkey
        foreign key (feed_id, region_id, factor_set_id) references intensity_series
);

create table fuel_sample (
    feed_id text not null references feed,
    region_id text not null references region,
    sampled_at timestamptz not null,
    fuel text not null,
    mw numeric,
    rev integer not null default 1,
    content_hash bytea not null,
    first_seen timestamptz not null,
    changed_at timestamptz not null,
    fetch_id bigint not null references feed_fetch,
    primary key (feed_id, region_id, sampled_at, fuel)
);

create table fuel_mix (
    feed_id text not null references feed,
    region_id text not null references region,
    start_at timestamptz not null,
    fuel text not null,
    secs integer not null,
    mw numeric(18, 9),
    percent numeric(18, 9),
    n_samples integer not null,
    rev integer not null default 1,
    content_hash bytea not null,
    first_seen timestamptz not null,
    changed_at timestamptz not null,
    fetch_id bigint not null references feed_fetch,
    primary key (feed_id, region_id, start_at, fuel)
);

create table meter_agreement (
    meter_id text not null references meter,
    tariff_code text not null,
    valid_from timestamptz not null,
    valid_to timestamptz,
    rev integer not null default 1,
    content_hash bytea not null,
    first_seen timestamptz not null,
    changed_at timestamptz not null,
    fetch_id bigint not null references feed_fetch,
    primary key (meter_id, valid_from)
);

create table tariff_price (
    provider text not null,
    tariff_code text not null,
    rate_kind text not null,
    -- - where a price applies to all.
    payment_method text not null default '-',
    valid_from timestamptz not null,
    valid_to timestamptz,
    exc_vat numeric not null,
    inc_vat numeric not null,
    currency text not null,
    unit text not null,
    rev integer not null default 1,
    content_hash bytea not null,
    first_seen timestamptz not null,
    changed_at timestamptz not null,
    fetch_id bigint not null references feed_fetch,
    primary key (provider, tariff_code, rate_kind, payment_method, valid_from),
    constraint tariff_price_rate_kind_check check (rate_kind in ('standard', 'day', 'night', 'standing'))
);

create table meter_usage (
    meter_id text not null references meter,
    start_at timestamptz not null,
    secs integer not null,
    quantity numeric(14, 4),
    quality text not null,
    rev integer not null default 1,
    content_hash bytea not null,
    first_seen timestamptz not null,
    changed_at timestamptz not null,
    fetch_id bigint not null references feed_fetch,
    primary key (meter_id, start_at)
);

create table usage_daily_summary (
    meter_id text not null references meter,
    local_date date not null,
    feed_id text not null references feed,
    factor_set_id text not null references factor_set,
    zone text not null,
    slots_expected integer not null,
    slots_used integer not null,
    slots_estimated integer not null,
    -- {"octopus.usage": [instants], ...}: the slots that lack a part, by the feed that brings it.
    missing_by_feed jsonb not null,
    kwh numeric,
    grams_co2 numeric,
    average_g_per_kwh numeric,
    cost_exc_vat numeric,
    cost_inc_vat numeric,
    standing_exc_vat numeric,
    standing_inc_vat numeric,
    -- {"gas": percent, ...}; null where no slot has both parts.
    mix_percent jsonb,
    complete boolean not null,
    rev integer not null default 1,
    content_hash bytea not null,
    first_seen timestamptz not null,
    changed_at timestamptz not null,
    -- The fetch whose rows made it be computed again; null where a command did.
    fetch_id bigint references feed_fetch,
    primary key (meter_id, local_date, feed_id, factor_set_id)
);

-- What base rows come to in a period. The factor set is - where a kind has none.
create table rollup (
    series_kind text not null,
    feed_id text not null references feed,
    subject_id text not null,
    factor_set_id text not null default '-',
    measure text not null,
    grain text not null,
    zone text not null,
    period_start timestamptz not null,
    period_end timestamptz not null,
    mean_time numeric,
    mean_weighted numeric,
    weight_kind text,
    sum_value numeric,
    min_value numeric,
    max_value numeric,
    n_expected integer not null,
    n_present integer not null,
    n_estimated integer not null,
    complete boolean not null,
    computed_at timestamptz not null,
    rev integer not null default 1,
    primary key (series_kind, feed_id, subject_id, factor_set_id, measure, grain, zone, period_start),
    constraint rollup_series_kind_check check (series_kind in ('intensity', 'mix', 'usage')),
    constraint rollup_grain_check check (grain in ('hour', 'day', 'week', 'month'))
);

create table rollup_dirty (
    series_kind text not null,
    feed_id text not null references feed,
    subject_id text not null,
    factor_set_id text not null,
    grain text not null,
    zone text not null,
    period_start timestamptz not null,
    primary key (series_kind, feed_id, subject_id, factor_set_id, grain, zone, period_start)
);

-- What a row said before it was changed.
create table row_revision (
    table_name text not null,
    row_key jsonb not null,
    rev integer not null,
    -- By these the revisions of a range of one series are found: its parts joined by /, and the start.
    series_key text not null,
    start_at timestamptz not null,
    -- The whole former row, exact.
    old_values jsonb not null,
    valid_from timestamptz not null,
    valid_to timestamptz not null,
    reason text not null,
    fetch_id bigint,
    primary key (table_name, row_key, rev),
    constraint row_revision_reason_check check (reason in ('filled', 'revised', 'withdrawn', 'recomputed'))
);
create index row_revision_range_idx on row_revision (table_name, series_key, start_at);

-- What is to be told, written with what it tells of.
create table event_outbox (
    outbox_id bigint primary key generated always as identity,
    event_id uuid not null,
    -- The place in the stream, without holes; given after the commit.
    stream_seq bigint,
    topic text not null,
    -- What topics are chosen by: a region, a meter, a tariff, a feed.
    subject text not null,
    series_key text not null,
    payload jsonb not null,
    created_at timestamptz not null,
    kafka_sent_at timestamptz,
    constraint event_outbox_event_key unique (event_id),
    constraint event_outbox_seq_key unique (stream_seq)
);
create index event_outbox_unsent_idx on event_outbox (outbox_id) where stream_seq is null;
create index event_outbox_created_idx on event_outbox (created_at);

-- Whoever works at these listens on a channel of the same name.
create function tell_channel() returns trigger language plpgsql as $$
begin
    perform pg_notify(tg_table_name, '');
    return null;
end
$$;
create trigger event_outbox_tell after insert on event_outbox for each statement execute function tell_channel();
create trigger rollup_dirty_tell after insert on rollup_dirty for each statement execute function tell_channel();
create trigger feed_run_tell after insert on feed_run for each statement execute function tell_channel();
create trigger feed_backfill_tell after insert or update of state on feed_backfill
    for each statement execute function tell_channel();

insert into region (region_id, name, zone, country, parent_id) values
    ('US-CA-CAISO', 'California ISO', 'America/Los_Angeles', 'US', null),
    ('CA-AB-AESO', 'Alberta Electric System Operator', 'America/Edmonton', 'CA', null),
    ('US-NW-BPA', 'Bonneville Power Administration', 'America/Los_Angeles', 'US', null),
    ('US-TX-ERCO', 'Electric Reliability Council of Texas', 'America/Chicago', 'US', null),
    ('CA-ON-IESO', 'Independent Electricity System Operator of Ontario', 'America/Toronto', 'CA', null),
    ('US-NE-ISONE', 'ISO New England', 'America/New_York', 'US', null),
    ('US-MIDW-MISO', 'Midcontinent ISO', 'America/Chicago', 'US', null),
    ('US-NY-NYISO', 'New York ISO', 'America/New_York', 'US', null),
    ('US-NY-NYISO.NYCW', 'New York City and Westchester', 'America/New_York', 'US', 'US-NY-NYISO'),
    ('US-NY-NYISO.NYLI', 'Long Island', 'America/New_York', 'US', 'US-NY-NYISO'),
    ('US-NY-NYISO.NYUP', 'Upstate New York', 'America/New_York', 'US', 'US-NY-NYISO'),
    ('US-MIDA-PJM', 'PJM Interconnection', 'America/New_York', 'US', null),
    ('US-CENT-SPP', 'Southwest Power Pool', 'America/Chicago', 'US', null),
    ('GB', 'Great Britain', 'Europe/London', 'GB', null);

insert into region_alias (provider, code, region_id) values
    ('singularity', 'CAISO', 'US-CA-CAISO'), ('singularity', 'AESO', 'CA-AB-AESO'),
    ('singularity', 'BPA', 'US-NW-BPA'), ('singularity', 'ERCO', 'US-TX-ERCO'),
    ('singularity', 'ERCOT', 'US-TX-ERCO'), ('singularity', 'ERCOT-H', 'US-TX-ERCO'),
    ('singularity', 'IESO', 'CA-ON-IESO'), ('singularity', 'ISONE', 'US-NE-ISONE'),
    ('singularity', 'MISO', 'US-MIDW-MISO'), ('singularity', 'NYISO', 'US-NY-NYISO'),
    ('singularity', 'NYISO.NYCW', 'US-NY-NYISO.NYCW'), ('singularity', 'NYISO.NYLI', 'US-NY-NYISO.NYLI'),
    ('singularity', 'NYISO.NYUP', 'US-NY-NYISO.NYUP'), ('singularity', 'PJM', 'US-MIDA-PJM'),
    ('singularity', 'SPP', 'US-CENT-SPP'),
    ('nyiso', 'NYISO', 'US-NY-NYISO'), ('neso', 'GB', 'GB'), ('octopus', 'GB', 'GB');

insert into factor_set (factor_set_id, provider, basis, note) values
    ('EGRID_u2019', 'singularity', 'direct', 'eGRID 2019, unadjusted'),
    ('EGRID_2019', 'singularity', 'direct', 'eGRID 2019, adjusted'),
    ('EGRID_2019_eq', 'singularity', 'direct', 'eGRID 2019, adjusted, CO2e'),
    ('EGRID_2018', 'singularity', 'direct', 'eGRID 2018, adjusted'),
    ('EGRID_2018_eq', 'singularity', 'direct', 'eGRID 2018, adjusted, CO2e'),
    ('EGRID_u2018', 'singularity', 'direct', 'eGRID 2018, unadjusted; also where the provider names no set'),
    ('NY-STATE-2016', 'trueprice', 'direct', 'EIA-923 emissions over EIA-906/920/923 net generation of the state in 2016'),
    ('IPCC-2014-LIFECYCLE', 'ipcc', 'lifecycle', 'Medians of IPCC AR5 WG III, annex III'),
    ('IPCC-2014-DIRECT', 'ipcc', 'direct', 'Direct emissions of IPCC AR5 WG III, annex III'),
    ('EGRID-NY', 'epa', 'direct', 'eGRID of New York by year'),
    ('EGRID-NY-LIFECYCLE', 'epa', 'lifecycle', 'eGRID of New York by year, and what comes before the plant'),
    ('NESO', 'neso', 'provider', 'Carbon Intensity API, published factors');
