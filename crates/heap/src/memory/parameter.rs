//! Parameters of collectors, and the values that each accepts.
//!
//! A collector declares its parameters in [`crate::Collector::PARAMETERS`] and reads them from its
//! [`crate::Config`]. A name such as `mark-sweep|growth-1.5|prefetch-0` sets some of them; the others have
//! their defaults. The declaration of a parameter is complete, so the parser of names depends on no
//! collector, and a collector of another crate has its own parameters.
//!
//! Every value is a number: an amount in bytes, a word by its index in the list. Parameters are read in
//! cold paths only. A barrier's options are part of the collector's type.

/// A parameter of a collector.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Parameter {
    /// Its name, before the hyphen.
    pub key: &'static str,
    /// The accepted values.
    pub values: Values,
    /// The value if none is given.
    pub default: f64,
    /// Its effect, in one line.
    pub summary: &'static str,
}

/// The accepted values of a parameter. Ranges include both ends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Values {
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// A number from the first to the second.
    Real(f64, f64),
    /// An amount of bytes from the first to the second.
    Bytes(u64, u64),
    /// One of these words.
    Words(&'static [&'static str]),
}

/// Units of amounts, the largest first.
const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Parameter {
    /// Parses a value; `None` if `text` is no accepted value.
    pub fn read(&self, text: &str) -> Option<f64> {
        self.number(text).filter(|&value| self.is_allowed(value))
    }

    /// The accepted value nearest to the number in `text`; `None` if it is no number.
    pub fn nearest(&self, text: &str) -> Option<f64> {
        let (least, most) = self.range();
        self.number(text).map(|value| value.clamp(least, most))
    }

    /// The smallest accepted value.
    pub fn least(&self) -> f64 {
        self.range().0
    }

    /// Formats a value so that [`Parameter::read`] parses it.
    pub fn text(&self, value: f64) -> String {
        match self.values {
            Values::Whole(..) | Values::Real(..) => value.to_string(),
            Values::Bytes(..) => amount(value as u64),
            Values::Words(words) => words.get(value as usize).copied().unwrap_or("").to_owned(),
        }
    }

    /// The accepted values, in words.
    pub fn values_in_words(&self) -> String {
        let (least, most) = self.range();
        match self.values {
            Values::Whole(..) => format!("a whole number from {least} to {most}"),
            Values::Real(..) => format!("a number from {least} to {most}"),
            Values::Bytes(..) => format!("{} to {}", self.text(least), self.text(most)),
            Values::Words(words) => words.join(", "),
        }
    }

    fn range(&self) -> (f64, f64) {
        match self.values {
            Values::Whole(least, most) | Values::Bytes(least, most) => (least as f64, most as f64),
            Values::Real(least, most) => (least, most),
            Values::Words(words) => (0.0, words.len().saturating_sub(1) as f64),
        }
    }

    fn is_allowed(&self, value: f64) -> bool {
        let (least, most) = self.range();
        (least..=most).contains(&value)
    }

    /// Parses a number, in range or not.
    fn number(&self, text: &str) -> Option<f64> {
        match self.values {
            Values::Whole(..) => text.parse::<u64>().ok().map(|number| number as f64),
            Values::Real(..) => text.parse::<f64>().ok().filter(|number| number.is_finite()),
            Values::Bytes(..) => {
                let (number, unit) = UNITS
                    .iter()
                    .find_map(|&(name, unit)| Some((text.strip_suffix(name)?, unit)))?;
                number.parse::<u64>().ok()?.checked_mul(unit).map(|bytes| bytes as f64)
            }
            Values::Words(words) => {
                words.iter().position(|&word| word == text).map(|place| place as f64)
            }
        }
    }
}

/// An amount in the largest unit of which it is a multiple.
fn amount(bytes: u64) -> String {
    let fits = |&&(_, unit): &&(&str, u64)| bytes > 0 && bytes.is_multiple_of(unit);
    let (name, unit) = UNITS.iter().find(fits).unwrap_or(&("B", 1));
    format!("{}{name}", bytes / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn of(values: Values) -> Parameter {
        Parameter { key: "key", values, default: 1.0, summary: "" }
    }

    #[test]
    fn a_value_is_parsed_and_formatted_as_it_was_written() {
        for (values, text, value) in [
            (Values::Whole(0, 64), "0", 0.0),
            (Values::Whole(0, 64), "64", 64.0),
            (Values::Real(1.1, 16.0), "1.5", 1.5),
            (Values::Bytes(1, 1 << 40), "4MiB", 4_194_304.0),
            (Values::Bytes(1, 1 << 40), "1536KiB", 1_572_864.0),
            (Values::Bytes(1, 1 << 40), "7B", 7.0),
            (Values::Words(&["fixed", "live"]), "live", 1.0),
        ] {
            let parameter = of(values);
            assert_eq!(parameter.read(text), Some(value), "{text}");
            assert_eq!(parameter.text(value), text);
        }
        assert_eq!(of(Values::Bytes(0, 9)).text(0.0), "0B");
    }

    #[test]
    fn other_texts_are_refused_and_a_number_has_a_nearest_value() {
        for (values, text, nearest) in [
            (Values::Whole(0, 64), "65", Some(64.0)),
            (Values::Whole(0, 64), "1.5", None),
            (Values::Whole(0, 64), "-1", None),
            (Values::Real(1.1, 16.0), "0.5", Some(1.1)),
            (Values::Real(1.1, 16.0), "inf", None),
            (Values::Real(1.1, 16.0), "NaN", None),
            (Values::Bytes(1 << 20, 1 << 30), "1KiB", Some(1_048_576.0)),
            (Values::Bytes(1 << 20, 1 << 30), "4", None),
            (Values::Bytes(1 << 20, 1 << 30), "99999999999999GiB", None),
            (Values::Words(&["fixed", "live"]), "fix", None),
            (Values::Words(&["fixed", "live"]), "", None),
        ] {
            let parameter = of(values);
            assert_eq!(parameter.read(text), None, "{text}");
            assert_eq!(parameter.nearest(text), nearest, "{text}");
        }
    }

    #[test]
    fn ranges_are_formatted_in_words() {
        assert_eq!(of(Values::Whole(0, 64)).values_in_words(), "a whole number from 0 to 64");
        assert_eq!(of(Values::Bytes(1 << 16, 1 << 30)).values_in_words(), "64KiB to 1GiB");
        assert_eq!(of(Values::Words(&["fixed", "live"])).values_in_words(), "fixed, live");
    }
}
