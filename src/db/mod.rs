//! Every SQL statement of the program, one file per subject.

pub mod catalogue;
pub mod data;
pub mod numeric;
pub mod snapshot;
