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
//! [`read()`] settles wishes in one snapshot, each empty field as in the first wish, and says what
//! is not there instead of taking something else. [`evolution`] gives one price per operating day.
//! Both end in a [`Figure`], from which everything that is shown and exported is made.

pub mod evolution;
pub mod export;
pub mod figure;
pub mod line;
pub mod mean;
mod read;
mod settle;
pub mod strips;
pub mod wish;

pub use evolution::{Period, evolution};
pub use figure::{Figure, Track};
pub use line::{Block, Line};
pub use read::{Series, read};
pub use strips::{Strip, summary_strips};
pub use wish::{DayWish, VersionWish, Wish};
