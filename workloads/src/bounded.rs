//! A whole number in a range, for parameters of programs.

use serde::Deserialize;

/// A number from `MIN` to `MAX`, both included. Reading any other number is an error.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(try_from = "u64")]
pub struct Bounded<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// As a number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// As an index or a length.
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<u64> for Bounded<MIN, MAX> {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        match u32::try_from(number) {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            _ => Err(format!("{number} where a number from {MIN} to {MAX} is expected")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_includes_both_ends_and_nothing_outside() {
        type Percent = Bounded<1, 100>;
        for percent in [1, 100] {
            assert_eq!(Percent::try_from(percent).map(|it| it.get().into()), Ok(percent));
        }
        for percent in [0, 101, 1 << 32 | 50] {
            let expected = format!("{percent} where a number from 1 to 100 is expected");
            assert_eq!(Percent::try_from(percent), Err(expected));
        }
    }
}
