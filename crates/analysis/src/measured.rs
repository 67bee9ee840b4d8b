//! A value that may be missing, with the reason.

use serde::Serialize;
use std::fmt;

/// A value, or the reason why it is missing.
///
/// Serialised as `{"known": value}` or `{"missing": "reason"}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured<T> {
    /// The measured value.
    Known(T),
    /// The reason for a missing value: a phrase without a full stop.
    Missing(String),
}

impl<T> Measured<T> {
    /// The value of an option, or this reason.
    pub fn known_or(value: Option<T>, reason: impl FnOnce() -> String) -> Self {
        value.map_or_else(|| Self::Missing(reason()), Self::Known)
    }

    /// The value, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Missing(_) => None,
        }
    }

    /// The reason, if there is no value.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Missing(reason) => Some(reason),
        }
    }

    /// A borrowed view, to inspect the value without cloning it.
    pub fn as_ref(&self) -> Measured<&T> {
        match self {
            Self::Known(value) => Measured::Known(value),
            Self::Missing(reason) => Measured::Missing(reason.clone()),
        }
    }

    /// Applies `f` to the value; a reason is unchanged.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Measured<U> {
        self.and_then(|value| Measured::Known(f(value)))
    }

    /// The result of `f` on the value; a reason is unchanged.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Measured<U>) -> Measured<U> {
        match self {
            Self::Known(value) => f(value),
            Self::Missing(reason) => Measured::Missing(reason),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Measured<T> {
    /// The value, or `n/a (reason)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => value.fmt(f),
            Self::Missing(reason) => write!(f, "n/a ({reason})"),
        }
    }
}
