//! How the page prints figures.

use rust_decimal::{Decimal, RoundingStrategy};

/// With so many decimals, rounded half away from zero; a zero has no sign.
pub(super) fn fixed(value: Decimal, decimals: u32) -> String {
    let rounded = value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    let places = decimals as usize;
    if rounded.is_zero() {
        format!("{:.places$}", Decimal::ZERO)
    } else {
        format!("{rounded:.places$}")
    }
}

/// The same with a sign unless it prints as zero, as a percentage.
pub(super) fn signed(percent: Decimal, decimals: u32) -> String {
    let text = fixed(percent, decimals);
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    match text.strip_prefix('-') {
        Some(size) => format!("−{size}%"),
        None if is_zero => format!("{text}%"),
        None => format!("+{text}%"),
    }
}

/// $/MWh as $/kWh with five decimals.
pub(super) fn per_kwh(value: Decimal) -> String {
    fixed(Decimal::from_i128_with_scale(value.mantissa(), value.scale() + 3), 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_their_sign_once() {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(signed(decimal("25"), 1), "+25.0%");
        assert_eq!(signed(decimal("-0.25"), 1), "−0.3%");
        assert_eq!(signed(decimal("-0.04"), 1), "0.0%");
        assert_eq!(per_kwh(decimal("90.005")), "0.09001");
        assert_eq!(fixed(decimal("-0.001"), 2), "0.00");
    }
}
