//! What was loaded, as it is read.

mod forecast;
mod intensity;
mod mix;
mod price;
mod rollup;

pub use forecast::{ForecastSlot, Issue, forecast, issue};
pub use intensity::{Slot, Stamp, extent, newest, slots, stamp};
pub use mix::{MixRow, mix, mix_stamp};
pub use price::{PriceSpan, Priced, priced, prices, tariff_scopes};
pub use rollup::{Period, periods, periods_state, rows_state, stale, weights};
