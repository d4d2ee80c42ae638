//! What is told as it happens.
//!
//! Events are written in the transaction of what they tell of. After the commit the [`relay`] of one
//! server gives them their places in the stream, without holes; every server reads the stream once
//! ([`stream`]) and hands it on to all who listen: by server-sent events, by MQTT, on pages.

mod bell;
pub mod guests;
pub mod mqtt;
pub mod relay;
pub mod stream;
pub mod topics;

pub use bell::{Bell, Hearing};
