//! Every SQL statement of the program, one file per subject.

pub mod analysis;
pub mod audit;
pub mod axis;
pub mod catalogue;
pub mod cluster;
pub mod data;
pub mod extent;
pub mod headroom;
pub mod numeric;
pub mod packages;
pub mod pages;
pub mod pool;
pub mod presence;
pub mod saved_views;
pub mod series;
pub mod sessions;
pub mod sight;
pub mod snapshot;
pub mod throttle;
pub mod tokens;
pub mod updates;
pub mod uploads;
pub mod users;
pub mod versions;
