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

/// All of them, or only the part that is named behind `cargo bench --`: curves, feeds, hostile.
async fn run() {
    _ = rustls::crypto::ring::default_provider().install_default();
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let is_wanted = |part: &str| named.as_deref().is_none_or(|named| named == part);
    let mut table = Table::default();
    if is_wanted("curves") {
        curves(&mut table).await;
    }
    if is_wanted("feeds") {
        feeds(&mut table).await;
    }
    if is_wanted("hostile") {
        hostile::memory(&mut table).await;
    }
    table.print();
}

async fn curves(table: &mut Table) {
    let server = server::Server::start().await;
    uploads::small_files(&server, table).await;
    uploads::wide_file(&server, table).await;
    uploads::fill(&server, DAYS).await;
    reads::one_curve(&server, table).await;
    reads::one_month(&server, table).await;
    reads::workbook_query(&server, table).await;
    downloads::csv(&server, table, DAYS).await;
    downloads::xlsx(&server, table, DAYS).await;
    downloads::everything(&server, table, DAYS).await;
    standardized::charges(&server, table).await;
    chart::paint(&server, table).await;
    access::entitlement(&server, table).await;
    access::logins(&server, table).await;
}

async fn feeds(table: &mut Table) {
    let server = feeds::server().await;
    feeds::history(&server, table).await;
    feeds::year(&server, table).await;
    live::listeners(&server, table).await;
}
