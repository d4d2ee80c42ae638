//! The whole program, from outside: HTTP, commands, signals, against a real PostgreSQL and a real S3
//! server. One file for each subject; `support` makes what they need.

mod acceptance;
mod auth;
mod breaking;
mod browser;
mod browser_headroom;
mod browser_protection;
mod catalogue;
mod diff;
mod downloads;
mod downloads_as_of;
mod downloads_edges;
mod downloads_numeric;
mod downloads_stored;
mod exports;
mod families;
mod good_test_data;
mod headroom;
mod hostile;
mod layouts;
mod openapi;
mod pages;
mod parquet;
mod reading;
mod reference_hours;
mod replay;
mod sql;
mod standardized;
mod standardized_files;
mod standardized_warnings;
mod start;
mod storage;
mod support;
mod updates;
mod uploads;
mod versions;
