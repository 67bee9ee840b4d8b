//! Collectors with parameters, such as `mark-sweep|growth-1.5`: each is a collector of its own in runs,
//! charts, verification and the safety matrix.
//!
//! Its name is that of its base collector, then settings, each after a bar. `KEY-*` stands for all words
//! of a parameter, and a `*` in the collector's name for all collectors that have the parameters:
//! `mark-sweep|sizer-*`, `*|sizer-membalancer`.

use crate::nearest::nearest;
use crate::registry::Registry;
use collectors::registry::settings_after;
use heap::{Config, PAGES, Parameter, Values, WrongSetting};
use record::{CollectorInfo, Colour, LineStyle};

/// Share of white or black in the colours of the first two variants; each further pair gets this share
/// of the rest.
const TINT: f64 = 0.35;
const WHITE: u8 = 255;
const BLACK: u8 = 0;

/// The names of the variants that a pattern with settings selects, each with its base collector's;
/// `None` for a pattern without settings.
///
/// # Errors
/// If a collector does not have the parameter, or not with this value: names the nearest right one.
pub(crate) fn expand(
    registry: &Registry,
    pattern: &str,
) -> Result<Option<Vec<(String, String)>>, String> {
    let known = || registry.collectors().iter().map(|c| c.name.as_str());
    let fits = known().filter(|name| settings_after(name, pattern).is_some());
    if let Some(base) = fits.max_by_key(|name| name.len()) {
        let settings = settings_after(base, pattern).unwrap_or_default();
        return names(registry, base, settings).map(Some);
    }
    let Some((start, settings)) = pattern.split_once("*|") else { return Ok(None) };
    let mut found = Vec::new();
    let mut refusal = None;
    for base in known().filter(|name| name.starts_with(start)) {
        match names(registry, base, settings) {
            Ok(more) => found.extend(more),
            Err(message) => refusal = Some(message),
        }
    }
    match (found.is_empty(), refusal) {
        (true, Some(message)) => Err(message),
        (true, None) => Ok(None),
        (false, _) => Ok(Some(found)),
    }
}

/// The names of a collector's variants that settings select, in the order in which it declares its
/// parameters and their words.
fn names(registry: &Registry, base: &str, settings: &str) -> Result<Vec<(String, String)>, String> {
    let parameters = registry.parameters(base);
    let mut all = vec![String::new()];
    for setting in settings.split('|') {
        let words = words(parameters, setting);
        let choices = words.unwrap_or_else(|| vec![setting.to_owned()]);
        all =
            all.iter().flat_map(|before| choices.iter().map(move |c| joined(before, c))).collect();
    }
    let name = |settings: String| match Config::read(parameters, &settings) {
        Ok(config) => Ok((format!("{base}|{config}"), base.to_owned())),
        Err(wrong) => Err(refusal(base, parameters, &wrong)),
    };
    all.into_iter().map(name).collect()
}

/// The settings that `KEY-*` stands for, if the parameter has words.
fn words(parameters: &[Parameter], setting: &str) -> Option<Vec<String>> {
    let key = setting.strip_suffix("-*")?;
    match parameters.iter().chain([&PAGES]).find(|parameter| parameter.key == key)?.values {
        Values::Words(words) => Some(words.iter().map(|word| format!("{key}-{word}")).collect()),
        _ => None,
    }
}

fn joined(before: &str, setting: &str) -> String {
    if before.is_empty() { setting.to_owned() } else { format!("{before}|{setting}") }
}

/// The message for a wrong setting: the nearest right one, and how to list all.
fn refusal(base: &str, parameters: &[Parameter], wrong: &WrongSetting) -> String {
    let list = "`gcw list collectors --params` lists all";
    if parameters.is_empty() {
        return format!("{base} has no parameters; {list}");
    }
    let offer = match wrong {
        WrongSetting::NoParameter(setting) => {
            let key = setting.split('-').next().unwrap_or_default();
            let keys: Vec<&str> = parameters.iter().map(|p| p.key).collect();
            nearest(key, &keys).map(|key| (*key).to_owned())
        }
        WrongSetting::NoValue(parameter, text) => {
            let word = match parameter.values {
                Values::Words(words) => nearest(text, words).map(|word| (*word).to_owned()),
                _ => parameter.nearest(text).map(|value| parameter.text(value)),
            };
            let word = word.unwrap_or_else(|| parameter.text(parameter.default));
            Some(format!("{base}|{}-{word}", parameter.key))
        }
        WrongSetting::Twice(_) => None,
    };
    let offer = offer.map_or("; ".to_owned(), |offer| format!("; did you mean '{offer}'? "));
    format!("{base}: {wrong}{offer}{list}")
}

/// A collector's variant in charts and tables; `number` counts the variants of a collector, from 0.
pub(crate) fn info(base: &CollectorInfo, name: String, number: usize) -> CollectorInfo {
    let settings = settings_after(&base.name, &name).unwrap_or_default().replace('|', ", ");
    let pair = number / 2;
    let end = if number.is_multiple_of(2) { WHITE } else { BLACK };
    let share = 1.0 - (1.0 - TINT).powi(i32::try_from(pair).unwrap_or(i32::MAX).saturating_add(1));
    let colour = Colour {
        light: tinted(&base.colour.light, end, share),
        dark: tinted(&base.colour.dark, end, share),
    };
    let line = match pair % 3 {
        0 => LineStyle::Dashed,
        1 => LineStyle::Dotted,
        _ => LineStyle::Solid,
    };
    CollectorInfo {
        summary: format!("{}; {settings}", base.summary),
        name,
        colour,
        line,
        ..base.clone()
    }
}

/// The colour `#rrggbb` mixed with black or white; unchanged if it is written otherwise.
fn tinted(colour: &str, end: u8, share: f64) -> String {
    let rgb = colour.strip_prefix('#').and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(rgb) = rgb else { return colour.to_owned() };
    let [_, parts @ ..] = rgb.to_be_bytes();
    let [red, green, blue] =
        parts.map(|part| (f64::from(part) * (1.0 - share) + f64::from(end) * share).round() as u8);
    format!("#{red:02X}{green:02X}{blue:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn expanded(pattern: &str) -> Result<Vec<String>, String> {
        let names = expand(&Registry::built_in(), pattern)?;
        Ok(names.into_iter().flatten().map(|(name, _)| name).collect())
    }

    #[test]
    fn settings_are_read_in_any_order_and_named_in_one() {
        let expected = Ok(vec!["mark-sweep|prefetch-0|growth-1.5".to_owned()]);
        assert_eq!(expanded("mark-sweep|growth-1.5|prefetch-0"), expected);
        assert_eq!(expanded("mark-sweep|prefetch-0|growth-1.50"), expected);
    }

    #[test]
    fn a_star_stands_for_all_words_and_for_all_collectors_that_have_the_parameter() {
        let sizers = ["fixed", "proportional", "membalancer"];
        let expected: Vec<String> = sizers.map(|word| format!("mark-sweep|sizer-{word}")).into();
        assert_eq!(expanded("mark-sweep|sizer-*").as_ref(), Ok(&expected));
        let one = expanded("*|sizer-membalancer").unwrap();
        assert!(one.contains(&expected[2]) && one.iter().all(|name| !name.starts_with("no-gc")));
        assert_eq!(expanded("mark-sweep|prefetch-0|sizer-*").unwrap().len(), 3);
        assert_eq!(expanded("no-gc|pages-*").unwrap(), ["no-gc|pages-small", "no-gc|pages-huge"]);
        assert_eq!(
            expanded("*|pages-huge").unwrap().len(),
            Registry::built_in().collectors().len()
        );
    }

    #[test]
    fn a_pattern_without_settings_is_not_expanded() {
        for pattern in ["mark-sweep", "rc|count-loads", "mark*", "nothing|growth-2"] {
            let names = expand(&Registry::built_in(), pattern);
            assert!(pattern == "rc|count-loads" || matches!(names, Ok(None)), "{pattern}");
        }
    }

    #[test]
    fn a_wrong_setting_is_refused_with_the_nearest_right_one() {
        for (pattern, said) in [
            ("mark-sweep|growht-2", "did you mean 'growth'?"),
            ("mark-sweep|growth-0.5", "did you mean 'mark-sweep|growth-1.1'?"),
            ("mark-sweep|growth-0.5", "a number from 1.1 to 16"),
            ("mark-sweep|growth-*", "did you mean 'mark-sweep|growth-2'?"),
            ("mark-sweep|sizer-membalancr", "did you mean 'mark-sweep|sizer-membalancer'?"),
            ("mark-sweep|growth-2|growth-3", "growth is given twice"),
            ("mark-sweep|growth-0.5", "`gcw list collectors --params`"),
            ("no-gc|growth-2", "no-gc has no parameters"),
            ("own*|growth-2", "has no parameters"),
        ] {
            let message = expanded(pattern).unwrap_err();
            assert!(message.contains(said), "{pattern}: {message}");
        }
    }

    #[test]
    fn variants_beside_each_other_look_different() {
        let registry = Registry::built_in();
        let base = registry.base_of("mark-sweep").unwrap();
        let info = |number| info(base, "mark-sweep|growth-1.5|prefetch-0".to_owned(), number);
        let light: BTreeSet<String> = (0..8).map(|number| info(number).colour.light).collect();
        assert_eq!(light.len(), 8);
        assert!(!light.contains(&base.colour.light));
        assert!(info(0).summary.ends_with("; growth-1.5, prefetch-0"));
        assert_eq!(tinted("#0072B2", WHITE, 0.5), "#80B9D9");
        assert_eq!(tinted("blue", WHITE, 0.5), "blue");
    }
}
