//! See `properties/xlsx.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trueprice::{mind_own_panics, properties::xlsx};

fuzz_target!(init: mind_own_panics(), |data: &[u8]| xlsx::check(data));
