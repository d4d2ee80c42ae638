//! What is asked of an upstream.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Settings;
use crate::domain::feed::Window;

/// The unit of progress inside a feed: a region, a meter, a tariff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Its name: the provider's code of a region, a tariff, an account; the id of a meter.
    pub scope: String,
    /// Our id of the region that its rows are of.
    pub region_id: Option<String>,
    /// Whose usage its rows are.
    pub meter: Option<MeterPoint>,
    /// Which tariff's prices its rows are.
    pub tariff_code: Option<String>,
    /// The first instant that the upstream has.
    pub first_available: DateTime<Utc>,
}

impl Scope {
    /// The rows of a region, which the provider knows by a code.
    #[must_use]
    pub fn region(code: &str, region_id: &str, first_available: DateTime<Utc>) -> Self {
        Self {
            scope: code.to_owned(),
            region_id: Some(region_id.to_owned()),
            meter: None,
            tariff_code: None,
            first_available,
        }
    }
}

/// A meter as the upstream knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterPoint {
    /// Our id; never the number.
    pub meter_id: String,
    /// The number of the supply point.
    pub mpan: String,
    /// The number on the meter.
    pub serial: String,
}

/// One page of one window.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The settings of the feed.
    pub settings: &'a Settings,
    /// Whose rows.
    pub scope: &'a Scope,
    /// Of when.
    pub window: Window,
    /// Which page of the window.
    pub page: &'a PageRef,
    /// Now: of the request for [`super::Feed::request`]; of the answer, also a kept one, for
    /// [`super::Feed::parse`].
    pub now: DateTime<Utc>,
}

/// Which page of a window.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageRef {
    /// By its number, from 1.
    Number(u32),
    /// By the link that the page before gave, reduced to path and query; with its place among the
    /// pages, from 2.
    Link {
        /// The place.
        number: u32,
        /// Path and query.
        path_and_query: String,
    },
}

impl PageRef {
    /// The first page of every window.
    pub const FIRST: Self = Self::Number(1);

    /// Its place among the pages, from 1.
    #[must_use]
    pub const fn number(&self) -> u32 {
        match self {
            Self::Number(number) | Self::Link { number, .. } => *number,
        }
    }
}

/// A GET below the feed's base address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// From the first slash on, percent-encoded where needed; may hold a query already.
    pub path: String,
    /// Put behind it, in this order.
    pub query: Vec<(&'static str, String)>,
    /// How the key travels; never in the address.
    pub auth: Auth,
    /// A whole archive: more time, and no text.
    pub is_archive: bool,
}

/// How the key of a feed travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    None,
    /// In a header of this name.
    Header(&'static str),
    /// As the user of HTTP Basic, without a password.
    BasicUser,
}

/// A text that many rows share.
pub type Shared = Arc<str>;
