//! See `properties/feed.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trueprice::{mind_own_panics, properties::feed};

fuzz_target!(init: mind_own_panics(), |data: &[u8]| feed::check(data));
