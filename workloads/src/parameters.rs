//! Parameters of a workload in its suite file, and how a program reads them.
//!
//! A suite file holds names and whole numbers; a program declares a struct of them with `serde`.
//! Unknown names, missing names and numbers out of range are errors before preparation.

use crate::bounded::Bounded;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error, MapDeserializer};
use std::collections::BTreeMap;
use std::fmt;

/// Named whole numbers.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Parameters(pub BTreeMap<String, u64>);

/// Parameters that do not fit a program.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("parameters {parameters} do not fit: {what}")]
pub struct ParameterError {
    parameters: Parameters,
    what: String,
}

impl Parameters {
    /// Reads the struct that a program declares for its parameters.
    ///
    /// # Errors
    /// If a name is missing or unknown to the program, or a number is out of its range.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ParameterError> {
        let entries = self.0.iter().map(|(name, &value)| (name.as_str(), value));
        T::deserialize(MapDeserializer::new(entries))
            .map_err(|e: Error| ParameterError { parameters: self.clone(), what: e.to_string() })
    }
}

impl<const N: usize> From<[(&str, u64); N]> for Parameters {
    fn from(entries: [(&str, u64); N]) -> Self {
        Self(entries.map(|(name, value)| (name.to_owned(), value)).into())
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<_> =
            self.0.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        write!(f, "{{ {} }}", entries.join(", "))
    }
}

/// Depth of a full binary tree: a leaf has depth 0. Bounded, so that recursion over a tree needs
/// little stack and its nodes can be counted.
pub type Depth = Bounded<0, 28>;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Tree {
        depth: Depth,
    }

    fn check(parameters: Parameters, expected: &str) {
        let error = parameters.read::<Tree>().unwrap_err().to_string();
        assert_eq!(error, expected);
    }

    #[test]
    fn parameters_are_read_or_refused_by_name() {
        let tree: Tree = Parameters::from([("depth", 28)]).read().unwrap();
        assert_eq!(tree.depth.get(), 28);
        check(Parameters::default(), "parameters {  } do not fit: missing field `depth`");
        check(
            [("depth", 29)].into(),
            "parameters { depth = 29 } do not fit: 29 where a number from 0 to 28 is expected",
        );
        check(
            [("depth", 4), ("dept", 4)].into(),
            "parameters { dept = 4, depth = 4 } do not fit: unknown field `dept`, expected `depth`",
        );
        check(
            [("depth", 1 << 40)].into(),
            "parameters { depth = 1099511627776 } do not fit: \
             1099511627776 where a number from 0 to 28 is expected",
        );
    }
}
