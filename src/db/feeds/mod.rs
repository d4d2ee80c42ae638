//! Feeds: what they loaded, how far they came, and what is to be told of it.

pub mod backfills;
mod copy;
pub mod fetches;
pub mod gaps;
pub mod hosts;
pub mod intensity;
pub mod outbox;
pub mod overview;
pub mod progress;
pub mod registry;
pub mod rollups;
pub mod rows;
pub mod runs;
pub mod status;
pub mod tasks;
pub mod turn;
