//! The figures that the README quotes, each beside what it is compared with, measured in one run:
//! `cargo bench`. The program runs as a process of its own with its private PostgreSQL and documents
//! in a folder, everything durable as in service.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "figures for people, and generated numbers that are small"
)]

mod access;
mod chart;
mod downloads;
mod feeds;
mod files;
mod hostile;
mod live;
mod reads;
mod server;
mod standardized;
mod table;
mod uploads;

use table::Table;

/// Days, one version of the wide file each: 100 x 283 series x 252 months = 7.1 M points.
const DAYS: usize = 100;

fn main() {
    // `cargo test --benches` asks whether it builds and starts; the figures take minutes.
    if std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    _ = rustls::crypto::ring::default_provider().install_default();
    let mut table = Table::default();
    let server = server::Server::start().await;
    uploads::small_files(&server, &mut table).await;
    uploads::wide_file(&server, &mut table).await;
    uploads::fill(&server, DAYS).await;
    reads::one_curve(&server, &mut table).await;
    reads::one_month(&server, &mut table).await;
    reads::workbook_query(&server, &mut table).await;
    downloads::csv(&server, &mut table, DAYS).await;
    downloads::xlsx(&server, &mut table, DAYS).await;
    downloads::everything(&server, &mut table, DAYS).await;
    standardized::charges(&server, &mut table).await;
    chart::paint(&server, &mut table).await;
    access::entitlement(&server, &mut table).await;
    access::logins(&server, &mut table).await;
    live::listeners(&server, &mut table).await;
    drop(server);
    feeds(&mut table).await;
    hostile::memory(&mut table).await;
    table.print();
}

async fn feeds(table: &mut Table) {
    let server = feeds::server().await;
    feeds::history(&server, table).await;
    feeds::year(&server, table).await;
}
