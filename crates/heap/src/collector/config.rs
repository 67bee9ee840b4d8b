//! Settings of a collector: values for some of its parameters, as written in its name.

use crate::blocks::heap::PAGES;
use crate::memory::parameter::Parameter;
use std::fmt;

/// Values of parameters; the others have their defaults.
///
/// Equal if parameters and values are, in any order of writing.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Config {
    /// In the order in which the collector declares them.
    given: Vec<(Parameter, f64)>,
}

/// A setting that a collector does not accept.
#[derive(Clone, PartialEq, Debug)]
pub enum WrongSetting {
    /// It does not begin with a parameter of the collector.
    NoParameter(String),
    /// The text after the key is not a value of the parameter.
    NoValue(Parameter, String),
    /// The parameter has a value already.
    Twice(Parameter),
}

impl Config {
    /// Reads settings such as `growth-1.5|prefetch-0` for a collector that has these parameters;
    /// [`PAGES`], a parameter of the heap, goes with every collector.
    ///
    /// # Errors
    /// The first of them that is wrong.
    pub fn read(parameters: &[Parameter], text: &str) -> Result<Self, WrongSetting> {
        let mut config = Self::default();
        for setting in text.split('|') {
            let named = |p: &&Parameter| value_of(p, setting).is_some();
            let all = parameters.iter().chain([&PAGES]);
            let parameter = all.filter(named).max_by_key(|p| p.key.len());
            let parameter =
                parameter.ok_or_else(|| WrongSetting::NoParameter(setting.to_owned()))?;
            let text = value_of(parameter, setting).unwrap_or_default();
            let wrong = || WrongSetting::NoValue(*parameter, text.to_owned());
            let value = parameter.read(text).ok_or_else(wrong)?;
            if config.gives(parameter) {
                return Err(WrongSetting::Twice(*parameter));
            }
            config.given.push((*parameter, value));
        }
        let place = |given: &Parameter| parameters.iter().position(|parameter| parameter == given);
        config.given.sort_by_key(|(given, _)| place(given).unwrap_or(parameters.len()));
        Ok(config)
    }

    /// The same with `parameters` at their minimum, unless it gives them.
    #[must_use]
    pub fn with_least(&self, parameters: &[Parameter]) -> Self {
        let mut config = self.clone();
        let missing = parameters.iter().filter(|parameter| !self.gives(parameter));
        config.given.extend(missing.map(|&parameter| (parameter, parameter.least())));
        config
    }

    /// Whether it asks for huge pages, for [`crate::HeapConfig::huge_pages`].
    pub fn huge_pages(&self) -> bool {
        self.whole(&PAGES) == 1
    }

    /// Whether it has a value of its own for a parameter.
    pub fn gives(&self, parameter: &Parameter) -> bool {
        self.given.iter().any(|(given, _)| given.key == parameter.key)
    }

    /// The value of a parameter: the number given, or its default.
    pub fn real(&self, parameter: &Parameter) -> f64 {
        let given = self.given.iter().find(|(given, _)| given.key == parameter.key);
        given.map_or(parameter.default, |&(_, value)| value)
    }

    /// The value of a parameter of whole numbers or bytes; of words, the index in their list.
    pub fn whole(&self, parameter: &Parameter) -> usize {
        self.real(parameter) as usize
    }

    /// The given values, in the order in which the collector declares the parameters.
    pub fn settings(&self) -> &[(Parameter, f64)] {
        &self.given
    }
}

fn value_of<'a>(parameter: &Parameter, setting: &'a str) -> Option<&'a str> {
    setting.strip_prefix(parameter.key)?.strip_prefix('-')
}

/// The settings as [`Config::read`] reads them; nothing if there are none.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (parameter, value)) in self.given.iter().enumerate() {
            let bar = if place == 0 { "" } else { "|" };
            write!(f, "{bar}{}-{}", parameter.key, parameter.text(*value))?;
        }
        Ok(())
    }
}

impl fmt::Display for WrongSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoParameter(setting) => write!(f, "it has no parameter for '{setting}'"),
            Self::NoValue(parameter, text) => {
                let (key, values) = (parameter.key, parameter.values_in_words());
                write!(f, "'{text}' is not a value of {key}, which is {values}")
            }
            Self::Twice(parameter) => write!(f, "{} is given twice", parameter.key),
        }
    }
}

impl std::error::Error for WrongSetting {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::parameter::Values;

    const GROWTH: Parameter =
        Parameter { key: "growth", values: Values::Real(1.1, 16.0), default: 2.0, summary: "" };
    const GROWTH_STEP: Parameter =
        Parameter { key: "growth-step", values: Values::Whole(1, 9), default: 3.0, summary: "" };
    const SIZER: Parameter = Parameter {
        key: "sizer",
        values: Values::Words(&["fixed", "live"]),
        default: 0.0,
        summary: "",
    };
    const ALL: [Parameter; 3] = [GROWTH, GROWTH_STEP, SIZER];

    #[test]
    fn parameters_not_given_have_their_defaults() {
        let config = Config::read(&ALL, "sizer-live").unwrap();
        assert_eq!((config.real(&GROWTH), config.whole(&SIZER)), (2.0, 1));
        assert!(config.gives(&SIZER) && !config.gives(&GROWTH));
        assert_eq!(Config::default().whole(&GROWTH_STEP), 3);
    }

    #[test]
    fn settings_are_written_in_the_order_of_their_declaration() {
        let config = Config::read(&ALL, "sizer-fixed|growth-1.50").unwrap();
        assert_eq!(config.to_string(), "growth-1.5|sizer-fixed");
        assert_eq!(Config::read(&ALL, &config.to_string()), Ok(config));
    }

    #[test]
    fn pages_are_a_setting_of_every_collector_after_its_own() {
        let config = Config::read(&ALL, "pages-huge|growth-2").unwrap();
        assert_eq!(
            (config.to_string().as_str(), config.huge_pages()),
            ("growth-2|pages-huge", true)
        );
        assert!(!Config::read(&[], "pages-small").unwrap().huge_pages());
        assert!(!Config::default().huge_pages());
    }

    #[test]
    fn given_values_are_not_replaced_by_the_minimum() {
        let config = Config::read(&ALL, "growth-step-4").unwrap().with_least(&ALL[..2]);
        assert_eq!((config.real(&GROWTH), config.whole(&GROWTH_STEP)), (1.1, 4));
    }

    #[test]
    fn of_two_keys_that_fit_the_longer_one_wins() {
        let config = Config::read(&ALL, "growth-step-4").unwrap();
        assert_eq!(config.to_string(), "growth-step-4");
    }

    #[test]
    fn wrong_settings_are_distinguished() {
        let wrong = |text| Config::read(&ALL, text).unwrap_err();
        assert_eq!(wrong("growht-2"), WrongSetting::NoParameter("growht-2".to_owned()));
        assert_eq!(wrong(""), WrongSetting::NoParameter(String::new()));
        assert_eq!(wrong("growth-1"), WrongSetting::NoValue(GROWTH, "1".to_owned()));
        assert_eq!(wrong("growth-2|growth-3"), WrongSetting::Twice(GROWTH));
    }
}
