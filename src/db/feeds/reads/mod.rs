//! What was loaded, as it is read.

mod change;
mod forecast;
mod intensity;
mod mix;
mod price;
mod rollup;

pub use change::state;
pub use forecast::{ForecastSlot, Issue, forecast, issue};
pub use intensity::{Counts, Slot, counts, extent, newest, slots};
pub use mix::{MixRow, mix, mix_count};
pub use price::{PriceSpan, Priced, priced, prices, tariff_scopes};
pub use rollup::{Period, periods, periods_state, rows_state, stale, weights};
