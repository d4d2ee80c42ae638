//! Reads of headroom, each through a view. Who may see it is decided where its versions and series
//! are chosen; its inputs need no grant.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::super::{
    catalogue::{DatasetSummary, DayRow},
    data::{SeriesHeader, VersionFilter, VersionHeader, series_key},
    snapshot::View,
};
use crate::domain::{Iso, Labels, SeriesKey, Source, headroom::Basis};

/// The versions that `filter` chooses among those of the view, by curve timestamp.
pub async fn versions(
    connection: &mut PgConnection,
    view: &View,
    iso: Iso,
    filter: &VersionFilter,
) -> sqlx::Result<Vec<VersionHeader>> {
    if filter.cob == Some(true) {
        return Ok(Vec::new());
    }
    sqlx::query_file_as!(
        VersionHeader,
        "sql/queries/headroom_select_versions.sql",
        Source::Headroom(iso).id(),
        view.known_at,
        filter.days.map(|days| days.0),
        filter.days.map(|days| days.1),
        filter.every,
        filter.ids.as_deref(),
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// The records' series that any of `versions` has, with the labels of their offers, in the order of
/// the records.
pub async fn series_of(
    connection: &mut PgConnection,
    view: &View,
    versions: &[i64],
) -> sqlx::Result<Vec<SeriesHeader>> {
    let sight = view.sight.rows();
    let rows = sqlx::query_file!("sql/queries/headroom_series.sql", versions, sight)
        .fetch_all(connection)
        .await?;
    let header = |key, id, admitted| SeriesHeader { id, key, admitted, derived: Vec::new() };
    Ok(rows.into_iter().map(|row| header(series_key!(row), row.id, row.admitted)).collect())
}

/// Offers of each version that match several prices to compare, as many as the caller may see; versions
/// without such are left out.
pub async fn ambiguous(
    connection: &mut PgConnection,
    view: &View,
    versions: &[i64],
) -> sqlx::Result<Vec<(i64, i64)>> {
    let sight = view.sight.rows();
    let rows = sqlx::query_file!("sql/queries/headroom_ambiguous.sql", versions, sight)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.offers)).collect())
}

/// The measures of the given series of a version, on basis prompt, in no particular order.
pub async fn columns(
    connection: &mut PgConnection,
    version: i64,
    series: &[i64],
) -> sqlx::Result<Vec<(i64, [Option<Decimal>; 4])>> {
    let rows = sqlx::query!(
        "select series_id, ptc, retail_price, headroom, headroom_pct from headroom_record
         where version_id = $1 and basis = 'prompt' and series_id = any($2)",
        version,
        series
    )
    .fetch_all(connection)
    .await?;
    let measures = rows.into_iter().map(|row| {
        (
            row.series_id,
            [Some(row.ptc), Some(row.retail_price), Some(row.headroom), row.headroom_pct],
        )
    });
    Ok(measures.collect())
}

/// Which of the given series each version has a record of.
pub async fn held(
    connection: &mut PgConnection,
    versions: &[i64],
    series: &[i64],
) -> sqlx::Result<Vec<(i64, Vec<i64>)>> {
    let rows = sqlx::query!(
        r#"select version_id, array_agg(series_id) as "series!" from headroom_record
           where version_id = any($1) and basis = 'prompt' and series_id = any($2)
           group by version_id"#,
        versions,
        series
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.version_id, row.series)).collect())
}

/// The operating day nearest to `wanted` (the newest without it) that has headroom.
pub async fn nearest_day(
    connection: &mut PgConnection,
    view: &View,
    iso: Iso,
    wanted: Option<NaiveDate>,
) -> sqlx::Result<Option<NaiveDate>> {
    sqlx::query_scalar!(
        "select operating_day from headroom_version v
         where dataset_id = $1 and known_at <= $2
           and exists (select from jsonb_populate_recordset(null::entitlement, $4) as e
                       where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null))
         order by abs(operating_day - coalesce($3, 'epoch'::date + 1000000)), operating_day desc
         limit 1",
        Source::Headroom(iso).id(),
        view.known_at,
        wanted,
        view.sight.rows()
    )
    .fetch_optional(connection)
    .await
}

/// What is stored for each ISO that there is a grant for, also without a version.
pub async fn summaries(
    connection: &mut PgConnection,
    view: &View,
) -> sqlx::Result<Vec<DatasetSummary>> {
    let sources = Iso::ALL.iter().map(|&iso| Source::Headroom(iso));
    let ids: Vec<i16> = sources.filter(|source| view.sight.has(*source)).map(Source::id).collect();
    sqlx::query_as!(
        DatasetSummary,
        r#"select d.id as "dataset_id!", count(v.id) as "versions!",
                  min(v.operating_day) as first_day, max(v.operating_day) as last_day,
                  max(v.curve_timestamp) as latest
           from unnest($1::smallint[]) as d (id)
           left join headroom_version v on v.dataset_id = d.id and v.known_at <= $2
               and exists (select from jsonb_populate_recordset(null::entitlement, $3) as e
                           where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null))
           group by d.id
           order by d.id"#,
        &ids,
        view.known_at,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// Operating days before `before`, newest first.
pub async fn operating_days(
    connection: &mut PgConnection,
    view: &View,
    iso: Iso,
    before: Option<NaiveDate>,
    limit: i64,
) -> sqlx::Result<Vec<DayRow>> {
    sqlx::query_as!(
        DayRow,
        r#"select operating_day, count(*) as "versions!", false as "cob!", true as "noncob!"
           from headroom_version v
           where dataset_id = $1 and known_at <= $2 and ($3::date is null or operating_day < $3)
             and exists (select from jsonb_populate_recordset(null::entitlement, $5) as e
                         where admits_version(e, v.dataset_id, v.operating_day, false, v.ended_at is null))
           group by operating_day
           order by operating_day desc
           limit $4"#,
        Source::Headroom(iso).id(),
        view.known_at,
        before,
        limit,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// Which records, or offers without one, to read.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Where.
    pub isos: Vec<Iso>,
    /// The version in force on this day; without it the newest day of each ISO.
    pub day: Option<NaiveDate>,
    /// This version instead.
    pub version: Option<i64>,
    /// Of this state.
    pub state: Option<String>,
    /// Of this cost component.
    pub customer_type: Option<String>,
    /// Of this many months.
    pub term: Option<i16>,
    /// How many to leave out.
    pub offset: i64,
    /// How many to give.
    pub limit: i64,
}

impl Wanted {
    fn sources(&self) -> Vec<i16> {
        self.isos.iter().map(|&iso| Source::Headroom(iso).id()).collect()
    }
}

/// An offer beside a price to compare.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of headroom_version, series and headroom_record")]
pub struct RecordRow {
    pub version_id: i64,
    pub dataset_id: i16,
    pub operating_day: NaiveDate,
    pub curve_timestamp: DateTime<Utc>,
    pub ptc_timestamp: DateTime<Utc>,
    pub control_area: String,
    pub state: String,
    pub load_zone: String,
    pub capacity_zone: String,
    pub utility: String,
    pub block_type: String,
    pub cost_group: String,
    pub cost_component: String,
    pub load_profile: Option<String>,
    pub matching_id: Option<String>,
    pub lookup_id: Option<String>,
    pub term: Option<i16>,
    pub beginning_date: Option<NaiveDate>,
    pub ptc_lookup_id: Option<String>,
    pub utility_name: Option<String>,
    pub rate_class: Option<String>,
    /// The first month of the price to compare that counts.
    pub month: NaiveDate,
    /// $/MWh, like the next two.
    pub ptc: Decimal,
    pub retail_price: Decimal,
    pub headroom: Decimal,
    pub headroom_pct: Option<Decimal>,
    /// Whether the offer matches further prices to compare.
    pub ambiguous: bool,
}

/// Records by ISO, then in the order of a download.
pub async fn records(
    connection: &mut PgConnection,
    view: &View,
    basis: Basis,
    wanted: &Wanted,
) -> sqlx::Result<Vec<RecordRow>> {
    sqlx::query_file_as!(
        RecordRow,
        "sql/queries/headroom_rows.sql",
        &wanted.sources(),
        view.known_at,
        wanted.day,
        wanted.version,
        basis.as_str(),
        wanted.state,
        wanted.customer_type,
        wanted.term,
        wanted.offset,
        wanted.limit,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// An offer without a record.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of headroom_version, series and headroom_finding")]
pub struct UnmatchedRow {
    pub version_id: i64,
    pub dataset_id: i16,
    pub operating_day: NaiveDate,
    pub code: String,
    pub state: String,
    pub load_zone: String,
    pub utility: String,
    pub cost_component: String,
    pub load_profile: Option<String>,
    pub matching_id: Option<String>,
    pub lookup_id: Option<String>,
    pub term: Option<i16>,
    pub beginning_date: Option<NaiveDate>,
    /// Where it is about one price to compare.
    pub ptc_lookup_id: Option<String>,
}

/// Offers without a record, by ISO and place.
pub async fn unmatched(
    connection: &mut PgConnection,
    view: &View,
    basis: Basis,
    wanted: &Wanted,
) -> sqlx::Result<Vec<UnmatchedRow>> {
    sqlx::query_file_as!(
        UnmatchedRow,
        "sql/queries/headroom_unmatched.sql",
        &wanted.sources(),
        view.known_at,
        wanted.day,
        wanted.version,
        basis.as_str(),
        wanted.offset,
        wanted.limit,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}

/// A version of headroom.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of headroom_version, described there")]
pub struct HeadroomVersion {
    pub id: i64,
    pub dataset_id: i16,
    pub matrix_version_id: i64,
    pub ptc_version_id: i64,
    pub load_profile_version_id: Option<i64>,
    pub curve_timestamp: DateTime<Utc>,
    pub operating_day: NaiveDate,
    pub ptc_timestamp: DateTime<Utc>,
    pub offers: i32,
    pub records: i32,
    pub ambiguous: i32,
    pub known_at: DateTime<Utc>,
    /// As it was known at the cut-off.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Versions of the ISOs, of the days of a window, with an id below `before`, newest first.
pub async fn history(
    connection: &mut PgConnection,
    view: &View,
    isos: &[Iso],
    days: Option<(NaiveDate, NaiveDate)>,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<HeadroomVersion>> {
    let sources: Vec<i16> = isos.iter().map(|&iso| Source::Headroom(iso).id()).collect();
    sqlx::query_file_as!(
        HeadroomVersion,
        "sql/queries/headroom_versions.sql",
        &sources,
        view.known_at,
        days.map(|days| days.0),
        days.map(|days| days.1),
        before,
        limit,
        view.sight.rows()
    )
    .fetch_all(connection)
    .await
}
