//! What the tests need.
//!
//! - [`TestServer`]: the server inside the test process, with a database and documents of its own.
//!   Quick; for everything that is asked through HTTP.
//! - [`Program`]: the real program as a process of its own, with a PostgreSQL of its own. For
//!   signals, kills, commands.
//! - [`Chrome`]: a real browser, for what people see.
//! - [`SmtpServer`]: a mail server in the test process, which keeps what it is given.
//! - [`upstream::Upstream`]: the upstreams of feeds, with every payload and fault.
//! - [`S3Server`]: a real S3 server that can be made to refuse or to hang.

pub mod accounts;
pub mod bench;
mod caller;
mod chrome;
mod clock;
mod database;
pub mod feeds;
pub mod files;
pub mod grid;
pub mod loader;
mod program;
pub mod routes;
mod s3;
mod server;
mod smtp;
pub mod store;
pub mod twin;
mod upload;
pub mod upstream;

pub use caller::Caller;
pub use chrome::Chrome;
pub use clock::TestClock;
pub use database::{address, as_bi, certificate, empty_database, free_port};
pub use program::{Home, Program, User, signal, until};
pub use s3::{BUCKET, Mood, S3Server, SECRET_KEY};
pub use server::{TestServer, serve, serve_with};
pub use smtp::SmtpServer;
pub use upload::{Reply, form};
