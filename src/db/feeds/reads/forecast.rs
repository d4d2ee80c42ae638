//! Forecasts by issue.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::{
    db::feeds::{intensity::is_plausible, regions::Series, snapshot::FeedSnapshot},
    domain::feed::{IntensityUnit, Metric},
};

/// One slot of a forecast. Values by [`Metric`] in g/kWh, the first also as the upstream wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForecastSlot {
    /// Start of the slot.
    pub start: DateTime<Utc>,
    /// Its length in seconds.
    pub secs: i32,
    /// Of generation, g/kWh.
    pub generated: Option<Decimal>,
    /// Of consumption, g/kWh.
    pub consumed: Option<Decimal>,
    /// Marginal, g/kWh.
    pub marginal: Option<Decimal>,
    /// Of generation as the upstream wrote it.
    pub raw_generated: Option<Decimal>,
    /// In this unit.
    pub raw_unit: String,
}

impl ForecastSlot {
    /// Its end.
    #[must_use]
    pub fn end(&self) -> DateTime<Utc> {
        self.start + chrono::TimeDelta::seconds(self.secs.into())
    }

    /// A value in a unit, from what the upstream wrote where that is known.
    #[must_use]
    pub fn value(&self, metric: Metric, unit: IntensityUnit) -> Option<Decimal> {
        let grams = match metric {
            Metric::Generated => {
                let written = self.raw_generated.zip(self.raw_unit.parse().ok());
                match written {
                    Some((value, written)) => {
                        return IntensityUnit::convert(written, value, unit);
                    }
                    None => self.generated,
                }
            }
            Metric::Consumed => self.consumed,
            Metric::Marginal => self.marginal,
        };
        grams.and_then(|value| IntensityUnit::GPerKwh.convert(value, unit))
    }

    /// The same where it counts in means: what no intensity can be does not.
    #[must_use]
    pub fn plausible(&self, metric: Metric, unit: IntensityUnit) -> Option<Decimal> {
        self.value(metric, IntensityUnit::GPerKwh).filter(|grams| is_plausible(*grams))?;
        self.value(metric, unit)
    }
}

/// When a forecast was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issue(pub DateTime<Utc>);

/// The newest issue of a series at or before `at` that was known by the cut-off.
pub async fn issue(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    at: Option<DateTime<Utc>>,
) -> sqlx::Result<Option<Issue>> {
    let until = at.into_iter().chain(snapshot.as_of).min();
    let known_at = snapshot.as_of;
    let issued = sqlx::query_scalar!(
        "select f.issued_at from carbon_intensity_forecast f
         where f.feed_id = $1 and f.region_id = $2 and f.factor_set_id = $3
           and ($4::timestamptz is null or f.issued_at <= $4)
           and ($5::timestamptz is null or f.known_at <= $5)
         order by f.issued_at desc limit 1",
        series.feed_id,
        series.region_id,
        series.factor_set_id,
        until,
        known_at
    )
    .fetch_optional(snapshot.connection())
    .await?;
    Ok(issued.map(Issue))
}

/// The slots of an issue that begin in a window, or all of them, as far as they were known by the cut-off.
pub async fn forecast(
    snapshot: &mut FeedSnapshot,
    series: &Series,
    issue: Issue,
    window: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> sqlx::Result<Vec<ForecastSlot>> {
    let known_at = snapshot.as_of;
    sqlx::query_as!(
        ForecastSlot,
        "select start_at as start, secs, generated, consumed, marginal, raw_generated, raw_unit
         from carbon_intensity_forecast
         where feed_id = $1 and region_id = $2 and factor_set_id = $3 and issued_at = $4
           and ($5::timestamptz is null or start_at >= $5) and ($6::timestamptz is null or start_at < $6)
           and ($7::timestamptz is null or known_at <= $7)
         order by start_at",
        series.feed_id,
        series.region_id,
        series.factor_set_id,
        issue.0,
        window.0,
        window.1,
        known_at
    )
    .fetch_all(snapshot.connection())
    .await
}
