//! What reads files and pages of feeds, taken from the program's own source.

#[path = "../../../src/domain/mod.rs"]
pub mod domain;
#[path = "../../../src/feeds/mod.rs"]
pub mod feeds;
#[path = "../../../src/grid/mod.rs"]
pub mod grid;
#[path = "../../../src/ingestors/mod.rs"]
pub mod ingestors;
#[path = "../properties/mod.rs"]
pub mod properties;

#[path = "../../../src/auth/secret.rs"]
#[expect(dead_code, reason = "names of secrets are for the server")]
mod secret;

/// The key of a feed is a part of its settings.
pub mod auth {
    pub use crate::secret::Secret;
}

// The properties name the readers as the tests of the program do.
extern crate self as trueprice;

/// The reader of workbooks takes a panic of the crate below it for a damaged file, and so must a
/// fuzzer, whose own hook would end the process: only a panic of our code may do that.
pub fn mind_own_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let file = panic.location().map_or("", std::panic::Location::file);
        if !["/calamine-", "/quick-xml-", "/zip-"].iter().any(|theirs| file.contains(theirs)) {
            default(panic);
        }
    }));
}
