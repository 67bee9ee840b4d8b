//! Programs that the compiler rejects: the proof of *rejected by the compiler*.
//!
//! They are compile-fail tests of `heap`, each a program and its expected error: `cases` is a link to their
//! folder, included when this crate is built. So a missing case fails the build, a package contains them, and
//! the text shown is the text tested.

use record::{CompileFail, Failure};

/// A compile-fail case and the failure that it prevents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Case {
    /// File name without its extension.
    pub name: &'static str,
    /// The failure prevented.
    pub failure: Failure,
    /// Source of the program.
    pub program: &'static str,
    /// The compiler's error.
    pub error: &'static str,
}

impl Case {
    /// The record of the case.
    pub fn record(&self) -> CompileFail {
        let own = |text: &str| text.trim_end().to_owned();
        CompileFail { name: own(self.name), program: own(self.program), error: own(self.error) }
    }
}

macro_rules! cases {
    ($($failure:ident: $($name:literal),+;)+) => {
        /// All cases.
        pub const CASES: &[Case] = &[$($(Case {
            name: $name,
            failure: Failure::$failure,
            program: include_str!(concat!("../cases/", $name, ".rs")),
            error: include_str!(concat!("../cases/", $name, ".stderr")),
        }),+),+];
    };
}

cases! {
    UseAfterFree: "owner_dropped_while_borrowed", "root_used_after_drop", "view_held_over_a_safepoint";
    UseBeforeInit: "root_used_before_it_is_initialised";
    DoubleFree: "root_freed_twice", "owner_moved_while_borrowed";
    DanglingBorrow: "struct_outlives_what_it_borrows", "nested_borrow_outlives_its_owner",
        "view_returned_from_a_scope";
    CycleLeak: "ring_of_owners", "root_put_into_two_slots";
}
