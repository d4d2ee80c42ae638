//! What feeds loaded, as people ask for it: spans of the calendar, means over exactly a range, the best
//! window. Every read goes through one [`crate::db::feeds::snapshot::FeedSnapshot`].

pub mod aggregate;
pub mod average;
pub mod report;
pub mod steps;

pub use aggregate::{Aggregate, Calendar, Figure, aggregates};
pub use average::{Average, averages};
