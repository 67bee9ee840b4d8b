//! Formats numbers with three significant digits and SI units, the same in the terminal, on the page
//! and in every chart.
//!
//! Times step by 1000 (ns, µs, ms, s), sizes by 1000 too (B, kB, MB, GB; decimal, as IEC 80000-13
//! requires for these prefixes). Whole numbers of the base unit are written without decimals.

/// Units of a time in ns.
const TIME_UNITS: [&str; 4] = ["ns", "µs", "ms", "s"];
/// Units of a size in bytes.
const SIZE_UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];

/// A time: `870 ns`, `12.3 µs`, `1.00 ms`, `75.2 s`.
pub fn duration_ns(ns: f64) -> String {
    with_unit(ns, &TIME_UNITS)
}

/// A size: `512 B`, `16.8 MB`.
pub fn bytes(bytes: f64) -> String {
    with_unit(bytes, &SIZE_UNITS)
}

/// A factor: `0.812×`, `1.00×`, `25.3×`; `∞×` where the divisor was 0.
pub fn ratio(ratio: f64) -> String {
    format!("{}×", significant(ratio))
}

/// A count with thin groups of three: `15 333 862`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            // A narrow no-break space: a line must not break inside a number.
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// A percentile from its share: `50 %`, `99.9 %`, `99.99 %`.
pub fn percent(share: f64) -> String {
    // Rounded to the precision of doubles, so that 0.9999 does not become 99.99000000000001.
    let percent = (share * 1e8).round() / 1e6;
    format!("{percent} %")
}

/// Three significant digits, plain: `0.00123`, `1.23`, `12.3`, `123`, `1230`, `∞`, `n/a`.
pub fn significant(value: f64) -> String {
    if value.is_nan() {
        return "n/a".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "-∞" }.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let rounded = round_to_three(value);
    let decimals = (2 - magnitude(rounded)).max(0) as usize;
    format!("{rounded:.decimals$}")
}

/// The value in the largest unit of which it holds at least one after rounding.
fn with_unit(value: f64, units: &[&str]) -> String {
    if !value.is_finite() {
        return significant(value);
    }
    if value.abs() < 1000.0 && value.fract() == 0.0 {
        return format!("{value} {}", units[0]);
    }
    // Rounding comes first: 999.6 µs is 1.00 ms, not 1000 µs.
    let step = magnitude(round_to_three(value)).div_euclid(3).clamp(0, units.len() as i32 - 1);
    format!("{} {}", significant(value / 1000_f64.powi(step)), units[step as usize])
}

/// Exponent of the leading decimal digit.
fn magnitude(value: f64) -> i32 {
    value.abs().log10().floor() as i32
}

fn round_to_three(value: f64) -> f64 {
    // Through the decimal form, because scaling by powers of ten would round as well.
    format!("{value:.2e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (ns, expected) in [
            (0.0, "0 ns"),
            (7.0, "7 ns"),
            (6.318, "6.32 ns"),
            (0.5, "0.500 ns"),
            (999.0, "999 ns"),
            (999.6, "1.00 µs"),
            (1000.0, "1.00 µs"),
            (12_345.0, "12.3 µs"),
            (999_499.0, "999 µs"),
            (999_500.0, "1.00 ms"),
            (123_456_789.0, "123 ms"),
            (1.5e9, "1.50 s"),
            (75.25e9, "75.2 s"),
            (4.2e12, "4200 s"),
            (f64::INFINITY, "∞"),
            (f64::NAN, "n/a"),
        ] {
            assert_eq!(duration_ns(ns), expected, "{ns}");
        }
    }

    #[test]
    fn sizes() {
        for (size, expected) in [
            (0.0, "0 B"),
            (512.0, "512 B"),
            (1000.0, "1.00 kB"),
            (16_777_216.0, "16.8 MB"),
            (999_999.0, "1.00 MB"),
            (1.0e9, "1.00 GB"),
            (2.5e15, "2500 TB"),
        ] {
            assert_eq!(bytes(size), expected, "{size}");
        }
    }

    #[test]
    fn plain_numbers() {
        for (value, expected) in [
            (0.0, "0"),
            (0.001_234, "0.00123"),
            (0.9996, "1.00"),
            (1.0, "1.00"),
            (-2.345, "-2.35"),
            (99.95, "100"),
            (1234.0, "1230"),
        ] {
            assert_eq!(significant(value), expected, "{value}");
        }
        assert_eq!(ratio(0.8123), "0.812×");
        assert_eq!(ratio(f64::INFINITY), "∞×");
    }

    #[test]
    fn counts_and_percents() {
        assert_eq!(count(862), "862");
        assert_eq!(count(15_333_862), "15\u{202f}333\u{202f}862");
        for (share, expected) in
            [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %")]
        {
            assert_eq!(percent(share), expected);
        }
    }
}
