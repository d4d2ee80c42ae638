//! Feeds: what they loaded, how far they came, and what is to be told of it.

pub mod carbon;
pub mod outbox;
pub mod relay;
pub mod retained;
pub mod stream;
pub mod turn;
