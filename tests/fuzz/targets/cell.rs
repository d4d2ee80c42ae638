//! See `properties/cell.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trueprice::{mind_own_panics, properties::cell};

fuzz_target!(init: mind_own_panics(), |data: &[u8]| cell::check(data));
