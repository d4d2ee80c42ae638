//! Every SQL statement of the program, one file per subject.

pub mod sessions;
pub mod throttle;
pub mod tokens;
pub mod users;
