//! Downloads of feeds: rows are read, laid out long and written at the client's pace, a few thousand at
//! a time, whatever the range.
//!
//! ```text
//! rows of a snapshot  ->  pieces, two at the most  ->  long layout  ->  csv, xlsx
//! ```

pub mod long;
mod pieces;
pub mod stamp;
pub mod table;
mod write;

pub use pieces::{Piece, Pieces, Reading, held, zone};
pub use write::{File, body, file_name, has_record};
