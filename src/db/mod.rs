//! Every SQL statement of the program, one file per subject.

pub mod cluster;
pub mod numeric;
pub mod pool;
pub mod series;
pub mod sessions;
pub mod throttle;
pub mod tokens;
pub mod uploads;
pub mod users;
pub mod versions;
