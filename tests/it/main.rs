//! Black-box tests.

mod reading;
mod support {
    pub mod files;
}
