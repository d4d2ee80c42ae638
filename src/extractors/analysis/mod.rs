//! Curves as an analyst looks at them: several beside each other, against a base, by strips, and
//! over operating days.
//!
//! ```text
//! Wish      ->  Series                ->  Figure               ->  chart, table, csv, xlsx
//! one line      the version, the zone     rows, columns and
//! of the        or component, the         differences from
//! form          block, the prices         the first column
//! ```
//!
//! Prices are made by the plan and the computation of a download, so that a 7x24 is the standardized
//! one. [`read()`] settles wishes in one snapshot, each empty field as in the first wish, and says what
//! is not there instead of taking something else. [`evolution`] gives one price per operating day.
//! Both end in a [`Figure`], from which everything that is shown and exported is made.

mod block;
pub mod evolution;
pub mod export;
pub mod figure;
pub mod hours;
pub mod line;
pub mod mean;
mod read;
mod settle;
pub mod strips;
mod warn;
pub mod wish;

pub use block::Block;
pub use evolution::{Evolution, Period, evolution};
pub use figure::{Figure, Track};
pub use hours::Hours;
pub use line::Line;
pub use read::{Series, read};
pub use strips::{Strip, summary_strips};
pub use wish::{DayWish, VersionWish, Wish};
