//! A new collector: a file that allocates and does not reclaim yet, and a line in the table of
//! collectors.

use super::checkout::{Checkout, has_word, with_row};
use super::hue::Hue;
use super::{Change, Name, Plan};
use crate::failure::Failure;

/// The scaffold, under the name `my-gc`.
const TEMPLATE: &str = include_str!("../../../templates/collector.rs");

/// The file of the table.
const TABLE: &str = "crates/collectors/src/lib.rs";

/// What is to be written for a collector of this name.
pub(crate) fn plan(checkout: &Checkout, name: &Name) -> Result<Plan, Failure> {
    let stand_in = Name::parse("my-gc").map_err(Failure::Usage)?;
    let (kebab, module, type_name) = (name.kebab(), name.module(), name.type_name());
    let table = checkout.read(TABLE)?;
    if table.contains(&format!("\"{kebab}\"")) {
        return Err(Failure::Usage(format!(
            "there is a collector '{kebab}' already, in {TABLE}; choose another name"
        )));
    }
    // The scaffold's own words are taken, too: its type would hide what it imports.
    if has_word(&table, &type_name) || has_word(TEMPLATE, &type_name) && name != &stand_in {
        return Err(Failure::Usage(format!(
            "a collector '{kebab}' would be the type {type_name}, which means something else \
             already; choose another name"
        )));
    }
    let Hue { light, dark } = Hue::unused(&table);
    let row = format!(
        "    mod {module}: \"{kebab}\" => {type_name}, Tracing, (\"{light}\", \"{dark}\"), Dashed, \
         \"does not reclaim yet\";"
    );
    let after = with_row(&table, "collectors", &row).ok_or_else(|| {
        Failure::Usage(format!(
            "{TABLE} has no table of collectors any more, which begins with a line `collectors! {{` \
             and ends with a line `}}`; nothing was written. Restore it, or register by hand"
        ))
    })?;
    let text = name.instead_of(&stand_in, TEMPLATE);
    let path = format!("crates/collectors/src/{module}.rs");
    Ok(Plan {
        changes: vec![
            Change::create(path, text, "a collector that allocates and does not reclaim yet"),
            Change::add(TABLE, table, after, "its line in the table"),
        ],
        next: vec![
            format!("cargo run --release -- verify {kebab}"),
            format!("cargo run --release -- run -c {kebab},mark-sweep"),
            "crates/collectors/README.md goes on from here to a mark-sweep, step by step."
                .to_owned(),
        ],
    })
}
