//! Block types.

use super::words;

words! {
    /// A block of hours, called strip or block type: days a week times hours a day.
    Strip("a strip") {
        /// Every hour.
        S7x24 = "7x24",
        /// On-peak hours of weekdays.
        S5x16 = "5x16",
        /// On-peak hours of weekend days.
        S2x16 = "2x16",
        /// Off-peak hours of every day.
        S7x8 = "7x8",
        /// Weekdays, every hour.
        Wd = "WD",
        /// Weekend days, every hour.
        We = "WE",
    }
}
