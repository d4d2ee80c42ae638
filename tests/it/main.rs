//! The whole program, from outside: HTTP, commands, signals, against a real PostgreSQL and a real S3
//! server. One file for each subject; `support` makes what they need.

mod auth;
mod browser_protection;
mod catalogue;
mod downloads;
mod downloads_as_of;
mod downloads_edges;
mod downloads_numeric;
mod downloads_stored;
mod pages;
mod reading;
mod replay;
mod start;
mod storage;
mod support;
