//! TRUEPrice: forward curves in, every version kept, exact numbers out.
//!
//! Everything that enters is a document and takes one road: its bytes go to the object store
//! ([`objects`]) under their SHA-256; [`grid`] turns bytes into cells and [`ingestors`] turn cells
//! into a curve and a report, both without a database or a network; [`intake`] decides the version
//! and publishes it in one transaction of [`db`]; pages and API ([`web`]) and downloads
//! ([`extractors`]) read the same tables, and [`live`] wakes those who wait for what is new. What
//! follows from a publication is computed by a job: [`headroom`]. What administrators turn and start
//! is in [`site`] and [`jobs`].
//!
//! Arrows run one way: `web` → `intake`, `extractors` → `ingestors` → `grid` → `domain`; `db`
//! knows `domain` and nothing above it; `domain` knows nobody.

pub mod app;
pub mod audit;
pub mod auth;
pub mod bi;
pub mod clock;
pub mod config;
pub mod db;
pub mod domain;
pub mod error;
pub mod extractors;
pub mod feeds;
pub mod grid;
pub mod headroom;
pub mod ingestors;
pub mod intake;
pub mod jobs;
pub mod live;
pub mod mail;
pub mod objects;
pub mod packages;
pub mod site;
pub mod telemetry;
pub mod web;
