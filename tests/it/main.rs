//! The whole program, from outside: HTTP, commands, signals, against a real PostgreSQL and a real S3
//! server. One file for each subject; `support` makes what they need.

mod acceptance;
mod auth;
mod breaking;
mod browser_protection;
mod hostile;
mod reading;
mod start;
mod storage;
mod support;
mod uploads;
mod versions;
