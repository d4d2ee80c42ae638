//! Every SQL statement of the program, one file per subject.

pub mod cluster;
pub mod pool;
pub mod sessions;
pub mod throttle;
pub mod tokens;
pub mod users;
