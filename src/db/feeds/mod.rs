//! Feeds: what they loaded, how far they came, and what is to be told of it.

pub mod outbox;
pub mod reads;
pub mod regions;
pub mod snapshot;
pub mod turn;
