//! Energy prices by block, 61 months from the file's own month on.

use super::rules::{Index, Rules};

/// The layout.
pub const RULES: Rules = Rules { index: Index::Month { window: Some(61) }, ..Rules::MONTHLY };
