//! Every SQL statement of the program, one file per subject.

pub mod cluster;
pub mod numeric;
pub mod pages;
pub mod pool;
pub mod series;
pub mod uploads;
pub mod versions;
