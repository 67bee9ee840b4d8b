//! A new workload: a program, a line in the catalogue, and its entry in the built-in suite.

use super::checkout::{Checkout, has_word, with_row};
use super::{Change, Name, Plan};
use crate::failure::Failure;

/// The scaffold, under the name `my-program`.
const TEMPLATE: &str = include_str!("../../../templates/workload.rs");
/// Its entry in the suite.
const SUITE_TEMPLATE: &str = include_str!("../../../templates/workload.toml");

/// The file of the catalogue.
const TABLE: &str = "workloads/src/lib.rs";
/// The file of the built-in suite.
const SUITE: &str = "workloads/suites/core.toml";

/// What is to be written for a workload of this name.
pub(crate) fn plan(checkout: &Checkout, name: &Name) -> Result<Plan, Failure> {
    let stand_in = Name::parse("my-program").map_err(Failure::Usage)?;
    let (kebab, module, type_name) = (name.kebab(), name.module(), name.type_name());
    let (table, suite) = (checkout.read(TABLE)?, checkout.read(SUITE)?);
    let quoted = format!("\"{kebab}\"");
    for (path, text) in [(TABLE, &table), (SUITE, &suite)] {
        if text.contains(&quoted) {
            return Err(Failure::Usage(format!(
                "there is a workload '{kebab}' already, in {path}; choose another name"
            )));
        }
    }
    if has_word(&table, &type_name) || has_word(TEMPLATE, &type_name) && name != &stand_in {
        return Err(Failure::Usage(format!(
            "a workload '{kebab}' would be the type {type_name}, which means something else \
             already; choose another name"
        )));
    }
    let row = format!("    mod {module}: {quoted} => {type_name}({module}::{type_name}), OWNED;");
    let after = with_row(&table, "catalogue", &row).ok_or_else(|| {
        Failure::Usage(format!(
            "{TABLE} has no catalogue any more, which begins with a line `catalogue! {{` and ends \
             with a line `}}`; nothing was written. Restore it, or register by hand"
        ))
    })?;
    let longer_suite =
        format!("{}\n{}", suite.trim_end(), name.instead_of(&stand_in, SUITE_TEMPLATE));
    let text = name.instead_of(&stand_in, TEMPLATE);
    Ok(Plan {
        changes: vec![
            Change::create(
                format!("workloads/src/{module}.rs"),
                text,
                "a program that builds, traverses and drops lists",
            ),
            Change::add(TABLE, table, after, "its line in the catalogue"),
            Change::add(SUITE, suite, longer_suite, "its parameters, answers and prose"),
        ],
        next: vec![
            "cargo test -p gcw-workloads".to_owned(),
            format!("cargo run --release -- run -w {kebab}"),
        ],
    })
}
