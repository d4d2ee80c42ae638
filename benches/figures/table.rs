//! The printed table.

use std::time::Duration;

/// The figures in the order of their measurement.
#[derive(Default)]
pub struct Table(Vec<[String; 4]>);

impl Table {
    /// Adds a figure, with what it is compared with and whether it is met.
    pub fn add(&mut self, what: &str, found: String, compared: &str, wanted: &str, is_met: bool) {
        let mark = if is_met { "met" } else { "MISSED" };
        println!("{what}: {found} ({compared}); wanted {wanted}: {mark}");
        self.0.push([what.to_owned(), found, compared.to_owned(), format!("{wanted}: {mark}")]);
    }

    /// Prints all as Markdown.
    pub fn print(&self) {
        println!("\n| what | found | beside | wanted |\n| --- | --- | --- | --- |");
        for [what, found, compared, wanted] in &self.0 {
            println!("| {what} | {found} | {compared} | {wanted} |");
        }
    }
}

/// The middle one.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Milliseconds with what precision they deserve.
pub fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
