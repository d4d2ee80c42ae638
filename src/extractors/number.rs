//! Decimals as text, by integer arithmetic, straight into a buffer.

use rust_decimal::Decimal;

/// Decimals of a price.
pub const FIVE: u32 = 5;

/// Rounds to `places` decimals, half away from zero: the mantissa at that scale.
fn at(value: &Decimal, places: u32) -> i128 {
    let (mantissa, scale) = (value.mantissa(), value.scale());
    if scale <= places {
        return mantissa * 10_i128.pow(places - scale);
    }
    let unit = 10_u128.pow(scale - places);
    let size = divide_rounding(mantissa.unsigned_abs(), unit).cast_signed();
    if mantissa < 0 { -size } else { size }
}

fn divide_rounding(size: u128, unit: u128) -> u128 {
    // 64-bit division is many times faster, and nearly all prices fit.
    match (u64::try_from(size), u64::try_from(unit)) {
        (Ok(size), Ok(unit)) => u128::from(size / unit) + u128::from(size % unit >= unit / 2),
        _ => size / unit + u128::from(size % unit >= unit / 2),
    }
}

/// Appends `places` decimals, five at the most, rounded half away from zero; a zero has no sign.
pub fn put_decimals(out: &mut Vec<u8>, value: &Decimal, places: u32) {
    put_scaled(out, at(value, places), places as usize);
}

/// Appends the shortest exact decimal with at least one decimal, as wide files have it.
pub fn put_shortest(out: &mut Vec<u8>, value: &Decimal) {
    let start = out.len();
    put_exact(out, value);
    if !out[start..].contains(&b'.') {
        out.extend_from_slice(b".0");
    }
}

/// Appends the shortest exact decimal: no exponent, no trailing zero, a zero has no sign.
pub fn put_exact(out: &mut Vec<u8>, value: &Decimal) {
    let (mut mantissa, mut scale) = (value.mantissa(), value.scale() as usize);
    while scale > 0 && ends_in_zero(mantissa) {
        mantissa /= 10;
        scale -= 1;
    }
    put_scaled(out, mantissa, scale);
}

fn ends_in_zero(mantissa: i128) -> bool {
    i64::try_from(mantissa).map_or_else(|_| mantissa % 10 == 0, |short| short % 10 == 0)
}

/// The value rounded to `places` decimals as a binary number, for a workbook, whose cells hold
/// nothing else.
#[must_use]
pub fn decimals_as_f64(value: &Decimal, places: u32) -> f64 {
    nearest(at(value, places), places)
}

/// The value as a binary number, for a workbook and for charts.
#[must_use]
pub fn as_f64(value: &Decimal) -> f64 {
    nearest(value.mantissa(), value.scale())
}

/// Exactly the nearest one up to 2^53 and 22 decimals: both operands are exact then.
#[expect(clippy::cast_precision_loss, reason = "a workbook's numbers are binary")]
fn nearest(mantissa: i128, scale: u32) -> f64 {
    mantissa as f64 / 10_u128.pow(scale) as f64
}

/// Appends `mantissa` × 10^-`scale` with exactly `scale` decimals.
fn put_scaled(out: &mut Vec<u8>, mantissa: i128, scale: usize) {
    let mut digits = [b'0'; 48];
    let mut rest = mantissa.unsigned_abs();
    let mut place = digits.len();
    while rest > u128::from(u64::MAX) {
        place -= 1;
        digits[place] = b'0' + (rest % 10).to_le_bytes()[0];
        rest /= 10;
    }
    let mut short = rest.to_le_bytes().first_chunk().map_or(0, |low| u64::from_le_bytes(*low));
    while short > 0 {
        place -= 1;
        digits[place] = b'0' + (short % 10).to_le_bytes()[0];
        short /= 10;
    }
    if mantissa < 0 {
        out.push(b'-');
    }
    // At least one digit before the point.
    let point = digits.len() - scale;
    out.extend_from_slice(&digits[place.min(point - 1)..point]);
    if scale > 0 {
        out.push(b'.');
        out.extend_from_slice(&digits[point..]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn five(text: &str) -> String {
        let mut out = Vec::new();
        put_decimals(&mut out, &text.parse().unwrap(), FIVE);
        String::from_utf8(out).unwrap()
    }

    fn exact(text: &str) -> String {
        let mut out = Vec::new();
        put_exact(&mut out, &text.parse().unwrap());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn halves_go_away_from_zero_and_zero_has_no_sign() {
        for (value, printed) in [
            ("0.000005", "0.00001"),
            ("-0.000005", "-0.00001"),
            ("0.0000049999999999999", "0.00000"),
            ("-0.0000049", "0.00000"),
            ("10", "10.00000"),
            ("-1.5", "-1.50000"),
            ("84.571264367816091954", "84.57126"),
            ("999999999999.123456789012345", "999999999999.12346"),
        ] {
            assert_eq!(five(value), printed);
        }
    }

    #[test]
    fn a_shortest_number_keeps_one_decimal_and_a_percentage_two() {
        for (value, printed) in [("0", "0.0"), ("0.0825", "0.0825"), ("-12.00", "-12.0")] {
            let mut out = Vec::new();
            put_shortest(&mut out, &value.parse().unwrap());
            assert_eq!(String::from_utf8(out).unwrap(), printed);
        }
        let mut out = Vec::new();
        put_decimals(&mut out, &"24.995".parse().unwrap(), 2);
        assert_eq!(out, b"25.00");
    }

    #[test]
    fn exact_is_shortest() {
        for (value, printed) in [
            ("10.00", "10"),
            ("-0.00", "0"),
            ("0.0825", "0.0825"),
            ("100", "100"),
            ("-999999999999.123456789012345", "-999999999999.123456789012345"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
        ] {
            assert_eq!(exact(value), printed);
        }
    }

    /// The digits of `mantissa` × 10^-`scale` rounded to five decimals, by long division in text.
    fn reference(mantissa: i128, scale: usize) -> String {
        let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let fraction = format!("{fraction:0<6}");
        let mut kept: Vec<u8> = [whole, &fraction[..5]].concat().into_bytes();
        if fraction.as_bytes()[5] >= b'5' {
            let nines = kept.iter().rev().take_while(|digit| **digit == b'9').count();
            let end = kept.len();
            kept[end - nines..].fill(b'0');
            match kept.len() - nines {
                0 => kept.insert(0, b'1'),
                n => kept[n - 1] += 1,
            }
        }
        let text = String::from_utf8(kept).unwrap();
        let sign = if mantissa < 0 && text.bytes().any(|digit| digit != b'0') { "-" } else { "" };
        format!("{sign}{}.{}", &text[..text.len() - 5], &text[text.len() - 5..])
    }

    proptest! {
        #[test]
        fn five_decimals_agree_with_long_division(
            mantissa in -(1_i128 << 95)..1_i128 << 95, drop in 0_u32..28, scale in 0_u32..=28,
        ) {
            let mantissa = mantissa / 10_i128.pow(drop);
            let mut out = Vec::new();
            put_decimals(&mut out, &Decimal::from_i128_with_scale(mantissa, scale), FIVE);
            prop_assert_eq!(String::from_utf8(out).unwrap(), reference(mantissa, scale as usize));
        }

        #[test]
        fn exact_text_reads_back_as_the_value(
            mantissa in -(1_i128 << 95)..1_i128 << 95, drop in 0_u32..28, scale in 0_u32..=28,
        ) {
            let value = Decimal::from_i128_with_scale(mantissa / 10_i128.pow(drop), scale);
            let mut out = Vec::new();
            put_exact(&mut out, &value);
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(text.parse::<Decimal>().unwrap(), value);
            prop_assert!(!text.contains('.') || !text.ends_with('0'), "{}", text);
        }
    }
}
