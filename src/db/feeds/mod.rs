//! Feeds: what they loaded, how far they came, and what is to be told of it.

mod copy;
pub mod factors;
pub mod intensity;
pub mod outbox;
pub mod rollups;
pub mod rows;
pub mod samples;
pub mod summary;
pub mod turn;
