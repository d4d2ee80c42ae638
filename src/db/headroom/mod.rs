//! Headroom: what its job reads and writes, and [`reads`] of what it stored.
//!
//! The job of an ISO works in short transactions, each under an advisory lock of the ISO: find an
//! operating day whose headroom is missing, compute it, publish it; or, where none is missing, mark
//! the events that were there as done. So two servers never compute the same, and a process that is
//! killed leaves its event and no half version.

pub mod reads;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::{
    PgConnection, PgPool,
    postgres::{PgListener, PgPoolOptions},
};

use super::{numeric::Values, updates};
use crate::domain::{
    ContractMonth, Dataset, Family, Iso, Source,
    headroom::{
        Basis, BundledPrice, MonthlyLoad, Note, Offer, Outcome, PriceToCompare, Record, Remark,
        TOTAL_LINES,
    },
};

/// Advisory lock: who publishes; readers wait for it. The same as for files.
const PUBLICATION_LOCK: i32 = 7421;

/// Advisory lock: who computes the headroom of an ISO.
const JOB_LOCK: i32 = 7424;

/// Notified by the database when an event of kind `headroom` is committed.
const CHANNEL: &str = "headroom";

/// A Matrix version and the PTC version that it is compared with.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Row of `curve_version`.
    pub matrix_id: i64,
    /// Row of `curve_version`.
    pub ptc_id: i64,
    /// When the matrix was published: that is the headroom's timestamp, too.
    pub curve_timestamp: DateTime<Utc>,
    /// The day of the matrix.
    pub operating_day: NaiveDate,
    /// When the prices to compare were published.
    pub ptc_timestamp: DateTime<Utc>,
}

/// A connection of its own that hears of new events.
pub async fn listener(pool: &PgPool) -> sqlx::Result<PgListener> {
    let options = pool.connect_options().as_ref().clone();
    let own = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// The ISOs with an event that nobody has dealt with.
pub async fn isos_with_events(pool: &PgPool) -> sqlx::Result<Vec<Iso>> {
    let datasets = sqlx::query_scalar!(
        "select distinct dataset_id from event e
         where kind = 'headroom' and not exists (select from headroom_done d where d.event_id = e.id)"
    )
    .fetch_all(pool)
    .await?;
    let isos = datasets.into_iter().filter_map(|id| Dataset::from_id(id).map(|d| d.iso));
    let mut isos: Vec<Iso> = isos.collect();
    isos.sort_unstable();
    isos.dedup();
    Ok(isos)
}

/// Waits until nobody else computes for the ISO; then nobody else does until the transaction ends.
pub async fn lock(conn: &mut PgConnection, iso: Iso) -> sqlx::Result<()> {
    let key = i32::from(Source::Headroom(iso).id());
    sqlx::query!("select pg_advisory_xact_lock($1, $2)", JOB_LOCK, key).execute(conn).await?;
    Ok(())
}

/// A pair whose headroom is missing, of the newest day first; none of the Matrix versions `but`.
pub async fn missing_pair(
    conn: &mut PgConnection,
    iso: Iso,
    but: &[i64],
) -> sqlx::Result<Option<Pair>> {
    let (Some(matrix), Some(ptc)) =
        (Dataset::new(Family::Matrix, iso), Dataset::new(Family::Ptc, iso))
    else {
        return Ok(None);
    };
    sqlx::query_file_as!(Pair, "sql/queries/headroom_pair.sql", matrix.id(), ptc.id(), but)
        .fetch_optional(conn)
        .await
}

/// The events of the ISO that nobody has dealt with. To be read before the pairs are: what they
/// tell of is then among these.
pub async fn open_events(conn: &mut PgConnection, iso: Iso) -> sqlx::Result<Vec<i64>> {
    let datasets: Vec<i16> = [Family::Matrix, Family::Ptc]
        .into_iter()
        .filter_map(|family| Dataset::new(family, iso).map(Dataset::id))
        .collect();
    sqlx::query_scalar!(
        "select id from event e
         where kind = 'headroom' and dataset_id = any($1)
           and not exists (select from headroom_done d where d.event_id = e.id)",
        &datasets
    )
    .fetch_all(conn)
    .await
}

/// Marks events as dealt with.
pub async fn close_events(
    conn: &mut PgConnection,
    events: &[i64],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into headroom_done (event_id, done_at) select unnest($1::bigint[]), $2
         on conflict do nothing",
        events,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The offers of a Matrix version.
pub async fn offers(conn: &mut PgConnection, iso: Iso, version: i64) -> sqlx::Result<Vec<Offer>> {
    let Some(dataset) = Dataset::new(Family::Matrix, iso) else { return Ok(Vec::new()) };
    let lines = TOTAL_LINES.map(str::to_owned);
    let rows = sqlx::query_file!("sql/queries/headroom_offers.sql", dataset.id(), version, &lines)
        .fetch_all(conn)
        .await?;
    let offers = rows.into_iter().map(|row| Offer {
        id: row.id,
        state: row.state,
        load_zone: row.load_zone,
        utility: row.utility,
        block_type: row.block_type,
        load_profile: row.load_profile,
        lookup_id: row.lookup_id,
        term: row.term.and_then(|months| u8::try_from(months).ok()),
        beginning_date: row.beginning_date,
        price: match (row.unit, row.price) {
            (None, _) => BundledPrice::NoLine,
            (Some(_), None) => BundledPrice::Null,
            (Some(unit), Some(price)) => BundledPrice::Value(price, unit),
        },
    });
    Ok(offers.collect())
}

/// The months of a PTC version, and its series with the given Matching IDs.
pub async fn prices(
    conn: &mut PgConnection,
    iso: Iso,
    version: i64,
    matching_ids: &[String],
) -> sqlx::Result<(Vec<ContractMonth>, Vec<PriceToCompare>)> {
    let Some(dataset) = Dataset::new(Family::Ptc, iso) else { return Ok(Default::default()) };
    let months = sqlx::query_scalar!(
        r#"select coalesce(months, '{}') as "months!" from curve_version where id = $1"#,
        version
    )
    .fetch_one(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"select s.id, s.matching_id as "matching_id!", s.unit, c.values as "values: Values"
           from curve c join series s on s.id = c.series_id
           where c.dataset_id = $1 and c.version_id = $2 and s.matching_id = any($3)
           order by s.id"#,
        dataset.id(),
        version,
        matching_ids
    )
    .fetch_all(conn)
    .await?;
    let prices = rows.into_iter().map(|row| PriceToCompare {
        id: row.id,
        matching_id: row.matching_id,
        unit: row.unit,
        values: row.values.0,
    });
    Ok((months.into_iter().map(ContractMonth::containing).collect(), prices.collect()))
}

/// The newest load profile version that is known, if there is any.
pub async fn load_profile(conn: &mut PgConnection, iso: Iso) -> sqlx::Result<Option<i64>> {
    let Some(dataset) = Dataset::new(Family::LoadProfile, iso) else { return Ok(None) };
    sqlx::query_scalar!(
        "select id from curve_version where dataset_id = $1 and valid_to is null
         order by operating_day desc limit 1",
        dataset.id()
    )
    .fetch_optional(conn)
    .await
}

/// The monthly loads of customer classes in a load profile version.
pub async fn loads(
    conn: &mut PgConnection,
    iso: Iso,
    version: i64,
    classes: &[String],
) -> sqlx::Result<Vec<MonthlyLoad>> {
    let Some(dataset) = Dataset::new(Family::LoadProfile, iso) else { return Ok(Vec::new()) };
    let rows = sqlx::query_file!("sql/queries/headroom_loads.sql", dataset.id(), version, classes)
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|row| {
            let kwh = row.kwh.map(|kwh| kwh.parse()).transpose();
            Ok(MonthlyLoad {
                state: row.state,
                load_zone: row.load_zone,
                utility: row.utility,
                block_type: row.block_type,
                customer_type: row.customer_type,
                month: ContractMonth::containing(row.month),
                kwh: kwh.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            })
        })
        .collect()
}

/// How much of a version is stored.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    /// Records of basis prompt.
    records: usize,
    /// Offers that match several prices to compare.
    ambiguous: usize,
    /// Remarks of both bases.
    notes: usize,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        let of_prompt = |basis: Basis| basis == Basis::Prompt;
        let notes = &outcome.notes;
        let ambiguous = notes.iter().filter(|note| note.remark == Remark::AmbiguousMatch);
        self.records += outcome.records.iter().filter(|record| of_prompt(record.basis)).count();
        self.ambiguous += ambiguous.filter(|note| of_prompt(note.basis)).count();
        self.notes += notes.len();
    }
}

/// The headroom of a pair while it is stored, part by part; known to nobody before
/// [`Storing::finish`].
#[derive(Debug)]
pub struct Storing<'a> {
    iso: Iso,
    pair: &'a Pair,
    version: i64,
    stored: Counts,
}

impl<'a> Storing<'a> {
    /// Begins a version of so many offers.
    pub async fn begin(
        conn: &mut PgConnection,
        (iso, pair): (Iso, &'a Pair),
        load_profile: Option<i64>,
        offers: usize,
    ) -> sqlx::Result<Self> {
        let version = sqlx::query_file_scalar!(
            "sql/queries/headroom_insert_version.sql",
            Source::Headroom(iso).id(),
            pair.matrix_id,
            pair.ptc_id,
            load_profile,
            pair.curve_timestamp,
            pair.operating_day,
            pair.ptc_timestamp,
            count(offers)
        )
        .fetch_one(conn)
        .await?;
        Ok(Self { iso, pair, version, stored: Counts::default() })
    }

    /// Stores what came out for some of the offers.
    pub async fn add(&mut self, conn: &mut PgConnection, part: &Outcome) -> sqlx::Result<()> {
        insert_records(conn, self.version, &part.records).await?;
        insert_notes(conn, self.version, self.stored.notes, &part.notes).await?;
        self.stored.add(part);
        Ok(())
    }

    /// Makes the version known: the last statements of its transaction. What the day had before
    /// ends at that instant. Gives the version's id.
    pub async fn finish(self, conn: &mut PgConnection) -> sqlx::Result<i64> {
        updates::take_turn(conn).await?;
        let known_at = self.make_known(conn).await?;
        if let Some(matrix) = Dataset::new(Family::Matrix, self.iso) {
            let inputs = (self.pair.matrix_id, self.pair.ptc_id);
            updates::tell_headroom(conn, matrix, inputs, known_at, None).await?;
        }
        Ok(self.version)
    }

    /// From here to the commit nobody reads the headroom of the ISO, so that no version appears at
    /// or below a cut-off that was answered before.
    async fn make_known(&self, conn: &mut PgConnection) -> sqlx::Result<DateTime<Utc>> {
        let source = Source::Headroom(self.iso).id();
        sqlx::query!("select pg_advisory_xact_lock($1, $2)", PUBLICATION_LOCK, i32::from(source))
            .execute(&mut *conn)
            .await?;
        // A clock that was set back must not make it known before what it was computed from.
        let known_at = sqlx::query_scalar!(
            r#"select greatest(
                   clock_timestamp(),
                   (select max(known_at) + interval '1 microsecond' from headroom_version
                    where dataset_id = $1 and known_at <> 'infinity'),
                   (select max(input.known_at) from headroom_version v
                    join curve_version input on input.id in (v.matrix_version_id, v.ptc_version_id)
                    where v.id = $2)) as "at!""#,
            source,
            self.version
        )
        .fetch_one(&mut *conn)
        .await?;
        sqlx::query!(
            "update headroom_version set ended_at = $3
             where dataset_id = $1 and operating_day = $2 and ended_at is null and known_at <> 'infinity'",
            source,
            self.pair.operating_day,
            known_at
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            "update headroom_version set known_at = $2, records = $3, ambiguous = $4 where id = $1",
            self.version,
            known_at,
            count(self.stored.records),
            count(self.stored.ambiguous)
        )
        .execute(conn)
        .await?;
        Ok(known_at)
    }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

async fn insert_records(
    conn: &mut PgConnection,
    version: i64,
    records: &[Record],
) -> sqlx::Result<()> {
    let offers: Vec<i64> = records.iter().map(|record| record.offer).collect();
    let prices: Vec<i64> = records.iter().map(|record| record.ptc).collect();
    sqlx::query!(
        "insert into headroom_series (offer_id, ptc_id)
         select distinct * from unnest($1::bigint[], $2::bigint[]) as t (offer_id, ptc_id)
         order by 1, 2
         on conflict do nothing",
        &offers,
        &prices
    )
    .execute(&mut *conn)
    .await?;
    let bases: Vec<String> = records.iter().map(|record| record.basis.to_string()).collect();
    let months: Vec<NaiveDate> = records.iter().map(|record| record.month.first_day()).collect();
    let measure = |place: usize| -> Vec<Decimal> {
        records.iter().map(|record| record.measures.0[place]).collect()
    };
    let percents: Vec<Option<Decimal>> = records.iter().map(|record| record.measures.1).collect();
    sqlx::query_file!(
        "sql/queries/headroom_insert_records.sql",
        version,
        &bases,
        &offers,
        &prices,
        &months,
        &measure(0),
        &measure(1),
        &measure(2),
        &percents as &[Option<Decimal>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores remarks, of which `before` are stored already.
async fn insert_notes(
    conn: &mut PgConnection,
    version: i64,
    before: usize,
    notes: &[Note],
) -> sqlx::Result<()> {
    let bases: Vec<String> = notes.iter().map(|note| note.basis.to_string()).collect();
    let offers: Vec<i64> = notes.iter().map(|note| note.offer).collect();
    let prices: Vec<Option<i64>> = notes.iter().map(|note| note.ptc).collect();
    let codes: Vec<String> = notes.iter().map(|note| note.remark.to_string()).collect();
    sqlx::query!(
        "insert into headroom_finding (version_id, basis, number, offer_id, ptc_id, code)
         select $1, t.basis, $6::integer + t.number, t.offer_id, t.ptc_id, t.code
         from unnest($2::text[], $3::bigint[], $4::bigint[], $5::text[])
              with ordinality as t (basis, offer_id, ptc_id, code, number)",
        version,
        &bases,
        &offers,
        &prices as &[Option<i64>],
        &codes,
        count(before)
    )
    .execute(conn)
    .await?;
    Ok(())
}
