//! Series: found by the digest of their labels, made where they are new.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::domain::{Dataset, SeriesKey, Sha256};

/// The ids of the series with these keys, in their order. New ones are inserted, by ascending
/// digest so that two transactions never wait for each other in a circle.
pub async fn ids_of(
    conn: &mut PgConnection,
    dataset: Dataset,
    keys: &[&SeriesKey],
) -> sqlx::Result<Vec<i64>> {
    let digests: Vec<Sha256> = keys.iter().map(|key| key.digest()).collect();
    let mut known = find(conn, dataset, &digests).await?;
    let mut missing: Vec<(Sha256, &SeriesKey)> = digests
        .iter()
        .copied()
        .zip(keys.iter().copied())
        .filter(|(digest, _)| !known.contains_key(digest))
        .collect();
    if !missing.is_empty() {
        missing.sort_unstable_by_key(|(digest, _)| *digest);
        insert(conn, dataset, &missing).await?;
        let digests: Vec<Sha256> = missing.iter().map(|(digest, _)| *digest).collect();
        known.extend(find(conn, dataset, &digests).await?);
    }
    digests
        .iter()
        .map(|digest| known.get(digest).copied().ok_or(sqlx::Error::RowNotFound))
        .collect()
}

async fn find(
    conn: &mut PgConnection,
    dataset: Dataset,
    digests: &[Sha256],
) -> sqlx::Result<HashMap<Sha256, i64>> {
    let digests: Vec<Vec<u8>> = digests.iter().map(|digest| digest.as_bytes().to_vec()).collect();
    let rows = sqlx::query!(
        "select id, digest from series where dataset_id = $1 and digest = any($2)",
        dataset.id(),
        &digests
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok((digest(&row.digest)?, row.id))).collect()
}

/// The digest in a column; the database keeps it at 32 bytes.
pub(super) fn digest(bytes: &[u8]) -> sqlx::Result<Sha256> {
    Sha256::from_bytes(bytes)
        .ok_or_else(|| sqlx::Error::Decode("a digest is not 32 bytes long".into()))
}

async fn insert(
    conn: &mut PgConnection,
    dataset: Dataset,
    series: &[(Sha256, &SeriesKey)],
) -> sqlx::Result<()> {
    let digests: Vec<Vec<u8>> =
        series.iter().map(|(digest, _)| digest.as_bytes().to_vec()).collect();
    let label = |place: usize| -> Vec<String> {
        series.iter().map(|(_, key)| key.labels.as_array()[place].to_owned()).collect()
    };
    let sub_components: Vec<String> =
        series.iter().map(|(_, key)| key.sub_component.clone()).collect();
    let units: Vec<String> = series.iter().map(|(_, key)| key.unit.clone()).collect();
    let more = |place: usize| -> Vec<Option<String>> {
        series.iter().map(|(_, key)| key.more.texts()[place].map(str::to_owned)).collect()
    };
    let terms: Vec<Option<i16>> =
        series.iter().map(|(_, key)| key.more.term.map(i16::from)).collect();
    let beginnings: Vec<Option<chrono::NaiveDate>> =
        series.iter().map(|(_, key)| key.more.beginning_date).collect();
    sqlx::query_file!(
        "sql/queries/insert_series.sql",
        dataset.id(),
        &digests,
        &label(0),
        &label(1),
        &label(2),
        &label(3),
        &label(4),
        &label(5),
        &label(6),
        &label(7),
        &sub_components,
        &units,
        &more(0) as &[Option<String>],
        &more(1) as &[Option<String>],
        &more(2) as &[Option<String>],
        &more(3) as &[Option<String>],
        &more(4) as &[Option<String>],
        &terms as &[Option<i16>],
        &beginnings as &[Option<chrono::NaiveDate>]
    )
    .execute(conn)
    .await?;
    Ok(())
}
