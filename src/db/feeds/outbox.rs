//! What is to be told: events, written in the transaction of what they tell of.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::domain::feed::Topic;

/// The space of event ids: the same change always has the same one.
const EVENTS: Uuid = Uuid::from_u128(0x5d1f_9f0a_7c1e_5b6e_9d0b_3a52_71c4_e8a6);

/// Something to be told.
#[derive(Debug, Clone)]
pub struct NewEvent<'a> {
    /// What about.
    pub topic: Topic,
    /// What topics are chosen by: a region, a meter, a tariff, a feed.
    pub subject: &'a str,
    /// The series that it is of, its parts joined by `/`.
    pub series_key: &'a str,
    /// Which feed brought it.
    pub feed_id: &'a str,
    /// Start of the slot, or time of issue.
    pub time: DateTime<Utc>,
    /// Which content of the row, or of the series at that time.
    pub rev: i64,
    /// What happened: an object whose numbers have their exact digits.
    pub data: Box<RawValue>,
}

/// An event as it is told.
#[derive(Debug, serde::Serialize)]
pub struct Envelope<'a> {
    id: Uuid,
    #[serde(rename = "type")]
    topic: Topic,
    v: u8,
    source: &'a str,
    region: &'a str,
    time: DateTime<Utc>,
    data: &'a RawValue,
}

impl NewEvent<'_> {
    /// The id: of topic, series, time and revision.
    #[must_use]
    pub fn id(&self) -> Uuid {
        let (topic, series, rev) = (self.topic, self.series_key, self.rev);
        let name = format!("{topic}\n{series}\n{}\n{rev}", self.time.to_rfc3339());
        Uuid::new_v5(&EVENTS, name.as_bytes())
    }

    /// As it is told.
    #[must_use]
    pub fn envelope(&self) -> Envelope<'_> {
        Envelope {
            id: self.id(),
            topic: self.topic,
            v: 1,
            source: self.feed_id,
            region: self.subject,
            time: self.time,
            data: &self.data,
        }
    }
}

/// Writes events. One that is there already stays as it is.
pub async fn write(
    conn: &mut PgConnection,
    events: &[NewEvent<'_>],
    created_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = events.iter().map(NewEvent::id).collect();
    let topics: Vec<String> = events.iter().map(|event| event.topic.to_string()).collect();
    let subjects: Vec<String> = events.iter().map(|event| event.subject.to_owned()).collect();
    let series: Vec<String> = events.iter().map(|event| event.series_key.to_owned()).collect();
    let payloads: Vec<Json<Envelope<'_>>> =
        events.iter().map(|event| Json(event.envelope())).collect();
    sqlx::query!(
        "insert into event_outbox (event_id, topic, subject, series_key, payload, created_at)
         select e.*, $6 from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[]) e
         on conflict (event_id) do nothing",
        &ids,
        &topics,
        &subjects,
        &series,
        &payloads as &[Json<Envelope<'_>>],
        created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_change_has_the_same_id_and_another_revision_another() {
        let event = |rev| NewEvent {
            topic: Topic::GridIntensity,
            subject: "GB",
            series_key: "gb.intensity/GB/NESO",
            feed_id: "gb.intensity",
            time: DateTime::UNIX_EPOCH,
            rev,
            data: RawValue::from_string("{\"value\":245.847065000}".to_owned()).unwrap(),
        };
        assert_eq!(event(1).id(), event(1).id());
        assert_ne!(event(1).id(), event(2).id());
        let told = serde_json::to_string(&event(1).envelope()).unwrap();
        assert!(told.contains(r#""type":"grid.intensity""#) && told.contains("245.847065000"));
    }
}
