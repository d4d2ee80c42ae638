//! See `properties/file_name.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trueprice::{mind_own_panics, properties::file_name};

fuzz_target!(init: mind_own_panics(), |data: &[u8]| file_name::check(data));
