-- Documents, uploads, versions and their curves.
--
-- A version is a grid: one axis, many series. curve_version is its header and holds the axis once;
-- curve holds one row per series, its values in axis order. Nothing stored is ever changed but a
-- version's valid_to; nothing is ever deleted.

create table dataset (
    id smallint primary key,
    family text not null,
    iso text not null,
    constraint dataset_family_iso_key unique (family, iso)
);
comment on table dataset is 'A family of curves of one ISO. All version rules work inside one dataset.';

-- Ids are ten times the family's place plus the ISO's place, as domain::Dataset::id computes them.
insert into dataset (id, family, iso)
select f.place * 10 + i.place, f.family, i.iso
from unnest(array['energy', 'nonenergy', 'rec', 'ptc', 'matrix', 'loadprofile', 'shaping', 'vlr', 'lineloss'])
         with ordinality as f (family, place)
cross join unnest(array['ercot', 'isone', 'miso', 'nyiso', 'pjm']) with ordinality as i (iso, place)
where (f.family, i.iso) <> ('rec', 'miso');

create table document (
    sha256 bytea primary key,
    bytes bigint not null,
    stored_at timestamptz not null,
    constraint document_sha256_check check (octet_length(sha256) = 32)
);
comment on table document is 'A file as it came. Its bytes lie in the object store under its SHA-256, and lay there before this row.';

create table upload (
    id uuid primary key,
    received_at timestamptz not null,
    uploader uuid not null references app_user,
    -- How it came: api, page, script or command.
    via text not null,
    -- The client's name for the file, and the archive it came in.
    file_name text not null,
    archive_name text,
    sha256 bytea references document,
    bytes bigint not null,
    dry_run boolean not null,
    dataset_id smallint references dataset,
    curve_timestamp timestamptz,
    operating_day date,
    cob boolean,
    -- The answer: its status, its code, the version it made or met.
    status smallint not null,
    code text not null,
    version_id bigint,
    points integer,
    errors integer not null,
    warnings integer not null,
    -- The whole answer as JSON, findings included (100 at the most).
    report jsonb not null,
    -- Every finding that was kept (10,000 at the most), errors first: what an annotated copy shows.
    findings jsonb not null
);
create index upload_received_at_idx on upload (received_at desc, id desc);
create index upload_uploader_idx on upload (uploader, received_at desc);

create function ascends(days date[]) returns boolean language sql immutable parallel safe as $$
    select coalesce(bool_and(days[i] < days[i + 1]), true) from generate_series(1, cardinality(days) - 1) as i
$$;

create table curve_version (
    id bigint generated always as identity primary key,
    dataset_id smallint not null references dataset,
    -- The file name's timestamp: as an instant, as it was written, and the zone it was read in.
    curve_timestamp timestamptz not null,
    curve_timestamp_local timestamp not null,
    curve_timezone text not null,
    operating_day date not null,
    cob boolean not null,
    valid_to timestamptz,
    -- When the version became visible. 'infinity' inside the transaction that publishes it.
    known_at timestamptz not null default 'infinity',
    sha256 bytea not null references document,
    upload_id uuid not null references upload deferrable initially deferred,
    -- The axis: contract months, each once, ascending.
    axis_length integer not null,
    months date[] not null,
    -- Counts and sums as the report gives them, and the warnings that were accepted with the file.
    series_count integer not null,
    points integer not null,
    first_month date,
    last_month date,
    stats jsonb not null,
    findings jsonb not null,
    constraint curve_version_dataset_timestamp_key unique (dataset_id, curve_timestamp),
    constraint curve_version_axis_key unique (id, axis_length),
    constraint curve_version_axis_check check (axis_length = cardinality(months) and axis_length > 0),
    constraint curve_version_months_check check (ascends(months)),
    constraint curve_version_validity_check check (valid_to > curve_timestamp),
    constraint curve_version_points_check check (points = axis_length * series_count)
);
create unique index curve_version_current_key on curve_version (dataset_id, operating_day)
    where valid_to is null;
create index curve_version_day_idx on curve_version (dataset_id, operating_day desc, curve_timestamp desc);
comment on table curve_version is 'An accepted file: the header of a grid.';

create table series (
    id bigint generated always as identity primary key,
    dataset_id smallint not null references dataset,
    -- SHA-256 over every label, the sub-component and the unit: domain::SeriesKey::digest.
    digest bytea not null,
    control_area text not null,
    state text not null,
    load_zone text not null,
    capacity_zone text not null,
    utility text not null,
    block_type text not null,
    cost_group text not null,
    cost_component text not null,
    sub_component text not null,
    unit text not null,
    constraint series_digest_key unique (dataset_id, digest)
);
comment on table series is 'What a column of a file is: eight labels, a sub-component and a unit, verbatim.';

create table curve (
    dataset_id smallint not null,
    version_id bigint not null,
    series_id bigint not null references series,
    axis_length integer not null,
    -- The column of the file, 1-based.
    file_column integer not null,
    lookup_id text,
    -- One value per place of the version's axis; NULL where the file had none.
    values numeric[] not null,
    -- One character per value, how the cell was written: n plain, $ money, % percent, - dash zero;
    -- missing: e empty, b blank, # not available. NULL when every cell is plain.
    notation text,
    primary key (dataset_id, version_id, series_id),
    foreign key (version_id, axis_length) references curve_version (id, axis_length),
    constraint curve_length_check check (cardinality(values) = axis_length),
    constraint curve_notation_check check (char_length(notation) = axis_length)
) partition by list (dataset_id);
-- Compressing the arrays costs more time than all the rest of storing a version and saves little:
-- a monthly curve stays in its row, a longer one goes beside the table as it is.
alter table curve alter column values set storage external;
comment on table curve is 'One series of one version: its values in the order of the version''s axis.';

do $$
declare
    d record;
begin
    for d in select * from dataset loop
        execute format(
            'create table %I partition of curve for values in (%s) with (toast_tuple_target = 8160)',
            format('curve_%s_%s', d.iso, d.family), d.id);
    end loop;
end
$$;
create index curve_series_idx on curve (series_id, version_id);

create table day_reopening (
    id bigint generated always as identity primary key,
    dataset_id smallint not null references dataset,
    operating_day date not null,
    -- The close-of-business version whose close is lifted.
    version_id bigint not null references curve_version,
    reason text not null,
    reopened_by uuid not null references app_user,
    reopened_at timestamptz not null,
    constraint day_reopening_version_key unique (version_id)
);

create table event (
    id bigint generated always as identity primary key,
    kind text not null,
    dataset_id smallint not null references dataset,
    version_id bigint not null references curve_version,
    created_at timestamptz not null
);
comment on table event is 'The outbox: written in the transaction of what it tells.';

-- What is stored stays as it is.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are never changed or deleted', tg_table_name
        using errcode = 'restrict_violation';
end
$$;

create function guard_curve_version() returns trigger language plpgsql as $$
begin
    -- Validity may be cut, never prolonged; known_at is set once.
    if old.known_at <> 'infinity' and new.known_at <> old.known_at
       or old.valid_to is not null and (new.valid_to is null or new.valid_to > old.valid_to) then
        raise exception 'of a stored version only valid_to may change' using errcode = 'restrict_violation';
    end if;
    return new;
end
$$;

create trigger curve_version_guard before update of valid_to, known_at on curve_version
    for each row execute function guard_curve_version();
create trigger curve_version_fixed before update of id, dataset_id, curve_timestamp, curve_timestamp_local,
        curve_timezone, operating_day, cob, sha256, upload_id, axis_length, months, series_count, points,
        first_month, last_month, stats, findings on curve_version
    for each row execute function refuse_change();

do $$
declare
    t text;
begin
    foreach t in array array['curve', 'series', 'document', 'upload', 'day_reopening', 'event'] loop
        execute format('create trigger %I before update or delete on %I for each row execute function refuse_change()',
                       t || '_keep', t);
        execute format('create trigger %I before truncate on %I for each statement execute function refuse_change()',
                       t || '_stay', t);
    end loop;
end
$$;
create trigger curve_version_keep before delete on curve_version
    for each row execute function refuse_change();
create trigger curve_version_stay before truncate on curve_version
    for each statement execute function refuse_change();

alter table upload add constraint upload_version_fkey
    foreign key (version_id) references curve_version deferrable initially deferred;
