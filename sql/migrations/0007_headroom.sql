-- Headroom: how much cheaper an offer of a matrix is than the utility's price to compare. Computed by
-- a job that the events of kind headroom start, kept as versions of its own.

create table headroom_version (
    -- Of the same sequence as the ids of curve_version, so that a version id names one thing.
    id bigint primary key default nextval('curve_version_id_seq'),
    -- 100 + the ISO's place: domain::Source::id, beside the ids of table dataset.
    dataset_id smallint not null,
    matrix_version_id bigint not null references curve_version,
    ptc_version_id bigint not null references curve_version,
    -- What the means over terms are weighted by; null where no load profile was known.
    load_profile_version_id bigint references curve_version,
    -- Those of the Matrix version, and when its PTC was published.
    curve_timestamp timestamptz not null,
    operating_day date not null,
    ptc_timestamp timestamptz not null,
    offers integer not null,
    -- Of basis prompt: records, and offers that match several PTC series. Counted while they are stored,
    -- told with known_at.
    records integer not null default 0,
    ambiguous integer not null default 0,
    -- When it became visible ('infinity' inside the transaction that publishes it), and when another
    -- of its operating day took its place.
    known_at timestamptz not null default 'infinity',
    ended_at timestamptz,
    constraint headroom_version_dataset_check check (dataset_id between 101 and 105),
    constraint headroom_version_inputs_key unique (matrix_version_id, ptc_version_id),
    constraint headroom_version_ended_check check (ended_at > known_at)
);
create unique index headroom_version_current_key on headroom_version (dataset_id, operating_day)
    where ended_at is null and known_at < 'infinity';
create index headroom_version_known_idx on headroom_version (dataset_id, known_at desc);
comment on table headroom_version is 'The headroom of one Matrix version against one PTC version.';

create table headroom_series (
    id bigint generated always as identity primary key,
    offer_id bigint not null references series,
    ptc_id bigint not null references series,
    constraint headroom_series_key unique (offer_id, ptc_id)
);
comment on table headroom_series is 'An offer of a matrix and a price to compare that it is matched with.';

create table headroom_record (
    version_id bigint not null references headroom_version,
    -- prompt or term: which months of the price to compare count.
    basis text not null,
    series_id bigint not null references headroom_series,
    -- The first month of the price to compare that counts.
    month date not null,
    -- $/MWh but for headroom_pct, which is null where the price to compare is 0. Cut after 20
    -- decimals, not rounded: whatever is printed of them is rounded once.
    ptc numeric not null,
    retail_price numeric not null,
    headroom numeric not null,
    headroom_pct numeric,
    primary key (version_id, basis, series_id),
    constraint headroom_record_basis_check check (basis in ('prompt', 'term'))
);
create index headroom_record_series_idx on headroom_record (series_id, version_id);

create table headroom_finding (
    version_id bigint not null references headroom_version,
    basis text not null,
    number integer not null,
    offer_id bigint not null references series,
    -- Where it is about one price to compare.
    ptc_id bigint references series,
    code text not null,
    primary key (version_id, basis, number),
    constraint headroom_finding_basis_check check (basis in ('prompt', 'term')),
    constraint headroom_finding_code_check check (
        code in ('no_matching_id', 'no_ptc_month', 'ptc_gap', 'no_total_line', 'null_price',
                 'ambiguous_match'))
);
comment on table headroom_finding is 'Why an offer has no record, or that it has several.';

create table headroom_done (
    event_id bigint primary key references event,
    done_at timestamptz not null
);
comment on table headroom_done is 'Events of kind headroom whose consequences are stored.';
create index event_headroom_idx on event (id) where kind = 'headroom';

-- Wakes the servers when the transaction commits.
create function tell_headroom() returns trigger language plpgsql as $$
begin
    perform pg_notify('headroom', '');
    return null;
end
$$;
create trigger event_headroom after insert on event
    for each row when (new.kind = 'headroom') execute function tell_headroom();

create function guard_headroom_version() returns trigger language plpgsql as $$
begin
    if old.known_at <> 'infinity'
       and (new.known_at, new.records, new.ambiguous) <> (old.known_at, old.records, old.ambiguous)
       or old.ended_at is not null then
        raise exception 'of a stored headroom only its end may be set, once'
            using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;
create trigger headroom_version_guard before update of known_at, ended_at, records,
        ambiguous on headroom_version
    for each row execute function guard_headroom_version();
create trigger headroom_version_fixed before update of id, dataset_id, matrix_version_id,
        ptc_version_id, load_profile_version_id, curve_timestamp, operating_day, ptc_timestamp, offers
    on headroom_version
    for each row execute function refuse_change();
create trigger headroom_version_keep before delete on headroom_version
    for each row execute function refuse_change();
create trigger headroom_version_stay before truncate on headroom_version
    for each statement execute function refuse_change();
do $$
declare
    t text;
begin
    foreach t in array array['headroom_series', 'headroom_record', 'headroom_finding', 'headroom_done'] loop
        execute format('create trigger %I before update or delete on %I for each row execute function refuse_change()',
                       t || '_keep', t);
        execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
                       t || '_stay', t);
    end loop;
end
$$;
