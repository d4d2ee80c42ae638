//! Feeds: what they loaded, how far they came, and what is to be told of it.

pub mod backfills;
mod copy;
pub mod discovered;
pub mod factors;
pub mod fetches;
pub mod forecasts;
pub mod gaps;
pub mod gauges;
pub mod hosts;
pub mod intensity;
pub mod meters;
pub mod mix;
pub mod outbox;
pub mod prices;
pub mod progress;
pub mod registry;
pub mod relay;
pub mod retained;
pub mod rollups;
pub mod rows;
pub mod runs;
pub mod samples;
pub mod stream;
pub mod summary;
pub mod tasks;
pub mod turn;
pub mod usage;
