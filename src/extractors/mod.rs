//! A download, from its request to its bytes.
//!
//! ```text
//! request  ->  selection              ->  layout         ->  writer
//! query        which versions and         wide or long:      csv, xlsx, json, ndjson,
//!              series: decided before     records of         alone or in an archive
//!              the first byte             typed cells
//! ```
//!
//! [`query`] reads the parameters strictly and knows no database. [`selection`] decides in one
//! snapshot what the answer holds, so that its status, headers and `ETag` are known before a point
//! is read. [`stream`] then reads one version's grid at a time while the one before it is written.
//! [`standardise`] computes between the two: it plans output series from stored ones, and
//! their columns from stored columns. [`layout`] turns series headers and a grid into records of
//! [`cell::Cell`]s, and a [`cell::Sink`] writes these.

mod absence;
pub mod analysis;
pub mod cell;
pub mod copy_box;
pub mod diff;
pub mod feed;
mod headroom;
pub mod layout;
pub mod negotiate;
pub mod number;
mod part;
pub mod preview;
pub mod printed;
pub mod query;
pub mod report;
pub mod selection;
pub mod standardise;
pub mod stream;
pub mod turns;
pub mod warnings;
pub mod words;
pub mod writers;

pub use copy_box::{CopyBox, copy_box};
pub use preview::{ChartSeries, CurveAsOf, Preview, chart_series, curve_as_of, preview};
