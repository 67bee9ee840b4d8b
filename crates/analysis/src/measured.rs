//! A number that may be unknown, together with the reason why.

use serde::Serialize;
use std::fmt;

/// A value, or why there is none.
///
/// Serialised as `{"known": value}` or `{"missing": "reason"}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured<T> {
    /// It was measured.
    Known(T),
    /// It was not, for this reason: a phrase without a full stop.
    Missing(String),
}

impl<T> Measured<T> {
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

    /// A borrowed view, so that a value can be taken apart without cloning it.
    pub fn as_ref(&self) -> Measured<&T> {
        match self {
            Self::Known(value) => Measured::Known(value),
            Self::Missing(reason) => Measured::Missing(reason.clone()),
        }
    }

    /// Another value computed from this one; a reason stays as it is.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Measured<U> {
        match self {
            Self::Known(value) => Measured::Known(f(value)),
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
