//! Scales: from a quantity to a position, and the ticks that label positions.

use analysis::format;

/// Spacing of values along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spacing {
    /// Equal differences, equal lengths.
    Linear,
    /// Equal ratios, equal lengths.
    Log,
}

/// The quantity of an axis; determines the format of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// Sizes in bytes, in decimal multiples.
    Bytes,
    /// Durations in nanoseconds.
    Nanoseconds,
    /// Percentiles q, given as 1 / (1 - q).
    Percentile,
    /// A count.
    Count,
}

impl Quantity {
    /// A value with three digits and its unit.
    pub(crate) fn written(self, value: f64) -> String {
        match self {
            Self::Bytes => format::bytes(value),
            Self::Nanoseconds => format::duration_ns(value),
            Self::Percentile => percentile(value),
            Self::Count => format::count(value.round() as u64),
        }
    }
}

/// One mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// Its position.
    pub(crate) value: f64,
    /// Its label; `None` for minor ticks.
    pub(crate) label: Option<String>,
}

/// A map from values to pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale {
    /// Spacing of values.
    pub(crate) spacing: Spacing,
    /// The quantity.
    pub(crate) quantity: Quantity,
    /// Value at the first end.
    pub(crate) low: f64,
    /// Value at the second end.
    pub(crate) high: f64,
    from_px: f64,
    to_px: f64,
}

impl Scale {
    /// Linear, from zero to `high`.
    pub(crate) fn from_zero(quantity: Quantity, high: f64) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        Self { spacing: Spacing::Linear, quantity, low: 0.0, high, from_px: 0.0, to_px: 1.0 }
    }

    /// Logarithmic over positive values, with some margin at both ends.
    pub(crate) fn log(quantity: Quantity, low: f64, high: f64) -> Self {
        // The caller's values are positive; the guard keeps a degenerate range drawable.
        let low = low.max(1e-3);
        let high = high.max(low * 1.5);
        let (low, high) = (low / 1.15, high * 1.15);
        Self { spacing: Spacing::Log, quantity, low, high, from_px: 0.0, to_px: 1.0 }
    }

    /// Linear from zero, or logarithmic where the largest value is more than `times` the smallest and
    /// would compress the others. Ignores values that are not positive.
    pub(crate) fn fitting(quantity: Quantity, values: &[f64], times: f64) -> Self {
        let low = values.iter().copied().filter(|v| *v > 0.0).fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        if low.is_finite() && high > times * low {
            Self::log(quantity, low, high)
        } else {
            Self::from_zero(quantity, high * 1.05)
        }
    }

    /// The same scale with other ends.
    pub(crate) fn between(self, low: f64, high: f64) -> Self {
        Self { low, high, ..self }
    }

    /// The same scale over a range of pixels.
    pub(crate) fn over(self, from_px: f64, to_px: f64) -> Self {
        Self { from_px, to_px, ..self }
    }

    /// The position of a value, in pixels; values outside the scale lie beyond its ends.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = match self.spacing {
            Spacing::Linear => (value - self.low) / (self.high - self.low),
            Spacing::Log => {
                (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln()
            }
        };
        self.from_px + share * (self.to_px - self.from_px)
    }

    /// As [`Scale::at`], clamped to the ends.
    pub(crate) fn within(&self, value: f64) -> f64 {
        self.at(value.clamp(self.low, self.high))
    }

    /// Ticks, labelled ones about `gap_px` apart or more.
    pub(crate) fn ticks(&self, gap_px: f64) -> Vec<Tick> {
        let room = ((self.to_px - self.from_px).abs() / gap_px).floor().max(2.0);
        match self.spacing {
            Spacing::Linear => self.linear_ticks(room),
            Spacing::Log => self.log_ticks(room),
        }
    }

    /// The common unit of the labels of a linear axis, such as `MB`; `None` on a log axis, where each
    /// label has its own.
    pub(crate) fn unit(&self) -> Option<&'static str> {
        (self.spacing == Spacing::Linear).then(|| unit(self.quantity, self.high).1)
    }

    fn linear_ticks(&self, room: f64) -> Vec<Tick> {
        let (factor, _) = unit(self.quantity, self.high);
        // Bytes and nanoseconds are whole.
        let least = if factor == 1.0 { 1.0 } else { 0.0 };
        let step = round_step((self.high - self.low) / factor / room).max(least);
        let count = ((self.high - self.low) / factor / step + 1e-9).floor() as usize;
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        (0..=count)
            .map(|i| {
                let number = i as f64 * step;
                Tick { value: number * factor, label: Some(format!("{number:.decimals$}")) }
            })
            .collect()
    }

    fn log_ticks(&self, room: f64) -> Vec<Tick> {
        const EVERY: &[u32] = &[1, 2, 3, 4, 5, 6, 7, 8, 9];
        if self.marks().count() < 2 {
            return self.even_ticks(room);
        }
        // Label 1, 2 and 5 where there is room, else fewer: decades, every second or third decade.
        // All digits only where otherwise fewer than two labels remain.
        let all = [
            (EVERY, 1),
            (&[1, 2, 5][..], 1),
            (&[1, 3][..], 1),
            (&[1][..], 1),
            (&[1][..], 2),
            (&[1][..], 3),
        ];
        // A percentile gains a nine at each power of ten and has no label in between.
        let first = if self.quantity == Quantity::Percentile { 3 } else { 1 };
        let labelled = |&(digits, stride): &(&[u32], i32)| {
            self.marks().filter(|(d, e, _)| digits.contains(d) && e.rem_euclid(stride) == 0).count()
        };
        let fitting =
            (first..all.len()).find(|&i| labelled(&all[i]) as f64 <= room).unwrap_or(all.len() - 1);
        // One label alone does not show the scale.
        let lowest = if first == 1 { 0 } else { first };
        let chosen = (lowest..=fitting).rev().find(|&i| labelled(&all[i]) >= 2);
        let (digits, stride) = all[chosen.unwrap_or(fitting)];
        self.marks()
            .map(|(digit, exponent, value)| {
                let written = digits.contains(&digit) && exponent.rem_euclid(stride) == 0;
                Tick { value, label: written.then(|| self.written(value)) }
            })
            .collect()
    }

    /// Ticks for a log axis too short for two round marks: evenly spaced values.
    fn even_ticks(&self, room: f64) -> Vec<Tick> {
        let step = round_step((self.high - self.low) / room);
        let (first, last) = ((self.low / step).ceil() as u64, (self.high / step).floor() as u64);
        (first..=last)
            .map(|i| i as f64 * step)
            .map(|value| Tick { value, label: Some(self.quantity.written(value)) })
            .collect()
    }

    /// The multiples 1 to 9 of all powers of ten on the axis: (digit, exponent, value).
    fn marks(&self) -> impl Iterator<Item = (u32, i32, f64)> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let ends = self.low * (1.0 - 1e-9)..=self.high * (1.0 + 1e-9);
        (first..=last)
            .flat_map(|exponent| {
                (1..10u32)
                    .map(move |digit| (digit, exponent, f64::from(digit) * 10f64.powi(exponent)))
            })
            .filter(move |(_, _, value)| ends.contains(value))
    }

    fn written(&self, value: f64) -> String {
        if self.quantity == Quantity::Percentile {
            return percentile(value);
        }
        let (factor, name) = unit(self.quantity, value);
        let number = value / factor;
        // Ticks are 1, 2, 3 or 5 times a power of ten: at most one significant digit.
        let text = if number < 1.0 { format!("{number:.1}") } else { format!("{number:.0}") };
        if name.is_empty() { text } else { format!("{text} {name}") }
    }
}

/// The largest SI unit that is not larger than `value`, as (factor, name).
fn unit(quantity: Quantity, value: f64) -> (f64, &'static str) {
    let units: &[(f64, &str)] = match quantity {
        Quantity::Bytes => &[(1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB")],
        Quantity::Nanoseconds => &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")],
        Quantity::Percentile => &[(1.0, "")],
        Quantity::Count => &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G")],
    };
    // A tick computed as 3 * 10^-1 may lie slightly below its unit.
    let fitting = units.iter().rev().find(|(factor, _)| value * (1.0 + 1e-9) >= *factor);
    *fitting.unwrap_or(&units[0])
}

/// `1 / (1 - q)` as a percentage: 10 is 90 %, 1000 is 99.9 %.
fn percentile(inverse: f64) -> String {
    let nines = inverse.log10().round().max(1.0) as usize;
    format!("{:.*} %", nines.saturating_sub(2), 100.0 - 100.0 / 10f64.powi(nines as i32))
}

/// The next 1, 2 or 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let mut steps = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power);
    steps.find(|s| *s >= least * (1.0 - 1e-9)).unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, gap_px: f64) -> Vec<String> {
        scale.over(0.0, 400.0).ticks(gap_px).into_iter().filter_map(|t| t.label).collect()
    }

    #[test]
    fn linear_ticks_share_a_unit_and_step_by_one_two_or_five() {
        let scale = Scale::from_zero(Quantity::Bytes, 43_000_000.0);
        assert_eq!(labels(scale, 70.0), ["0", "10", "20", "30", "40"]);
        assert_eq!(scale.unit(), Some("MB"));
        assert_eq!(labels(Scale::from_zero(Quantity::Nanoseconds, 900.0), 100.0), ["0", "500"]);
        assert_eq!(labels(Scale::from_zero(Quantity::Bytes, 1.1e9), 100.0), ["0.0", "0.5", "1.0"]);
    }

    #[test]
    fn log_ticks_carry_their_own_units() {
        let scale = Scale::log(Quantity::Nanoseconds, 1e3, 1e8);
        assert_eq!(labels(scale, 60.0), ["1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms"]);
        assert_eq!(scale.unit(), None);
        let near = Scale::log(Quantity::Bytes, 2e6, 1e7);
        assert_eq!(labels(near, 50.0), ["2 MB", "5 MB", "10 MB"]);
    }

    #[test]
    fn short_log_axes_still_have_labels() {
        let decade = Scale::log(Quantity::Nanoseconds, 8.2e6, 14e6);
        assert_eq!(labels(decade, 40.0), ["8 ms", "9 ms", "10 ms"]);
        let sliver = Scale::log(Quantity::Nanoseconds, 1.30e6, 1.31e6);
        assert_eq!(labels(sliver, 90.0), ["1.50 ms", "2.00 ms"]);
    }

    #[test]
    fn percentiles_gain_a_nine_per_decade() {
        let scale = Scale::log(Quantity::Percentile, 10.0, 1e5);
        assert_eq!(labels(scale, 60.0), ["90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"]);
    }

    #[test]
    fn counts_have_prefixes_and_no_unit() {
        let scale = Scale::log(Quantity::Count, 1.0, 1e8);
        assert_eq!(labels(scale, 50.0), ["1", "100", "10 k", "1 M", "100 M"]);
    }

    #[test]
    fn equal_ratios_are_equal_lengths() {
        let scale = Scale::log(Quantity::Bytes, 1.0, 1e4).over(0.0, 100.0);
        let steps = [scale.at(10.0) - scale.at(1.0), scale.at(1000.0) - scale.at(100.0)];
        assert!((steps[0] - steps[1]).abs() < 1e-9);
        assert!(scale.at(1e9) > 100.0 && scale.within(1e9) <= 100.0);
    }

    #[test]
    fn an_outlier_makes_the_axis_logarithmic() {
        let fitting = |values: &[f64]| Scale::fitting(Quantity::Bytes, values, 8.0).spacing;
        assert_eq!(fitting(&[10.0, 12.0, 30.0]), Spacing::Linear);
        assert_eq!(fitting(&[10.0, 12.0, 250.0]), Spacing::Log);
        assert_eq!(fitting(&[0.0, 0.0]), Spacing::Linear);
    }
}
