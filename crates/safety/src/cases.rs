//! Programs that the compiler rejects: the proof of *rejected by the compiler*.
//!
//! They lie among the compile-fail tests of `heap`, program and expected error side by side. `cases` is a
//! link to that folder, so a package of this crate contains them, a case that does not exist does not
//! build, and what is shown is what the test compares.

use record::{CompileFail, Failure};

/// A compile-fail case, and the failure that it would have been.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Case {
    /// Name of its file, without the ending.
    pub name: &'static str,
    /// The failure.
    pub failure: Failure,
    /// The program.
    pub program: &'static str,
    /// What the compiler says.
    pub error: &'static str,
}

impl Case {
    /// The same as plain data.
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
