//! The whole program, from outside: HTTP, commands, signals, against a real PostgreSQL and a real S3
//! server. One file for each subject; `support` makes what they need.

mod auth;
mod browser;
mod browser_protection;
mod good_test_data;
mod openapi;
mod reading;
mod sql;
mod start;
mod storage;
mod support;
