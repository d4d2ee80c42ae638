//! See `properties/date.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trueprice::{mind_own_panics, properties::date};

fuzz_target!(init: mind_own_panics(), |data: &[u8]| date::check(data));
