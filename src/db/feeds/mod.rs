//! Feeds: what they loaded, how far they came, and what is to be told of it.

pub mod fetches;
pub mod gauges;
pub mod hosts;
pub mod meters;
pub mod outbox;
pub mod turn;
