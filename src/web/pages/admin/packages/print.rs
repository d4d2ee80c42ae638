//! Figures as the templates print them.

use crate::web::pages::format;

/// `71,316`, of any whole number.
#[must_use]
pub fn figure<N: Copy + TryInto<i64>>(number: &N) -> String {
    format::count((*number).try_into().unwrap_or(i64::MAX))
}
