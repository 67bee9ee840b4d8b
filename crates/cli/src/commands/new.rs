//! `gcw new`: adds a collector or a workload to a checkout: a filled template, one line in a table, and
//! for a workload its entry in the suite. All files are written, or none.
//!
//! The result compiles, is formatted and works: a collector that allocates and never reclaims, a
//! program with a closed form as its answer.

mod change;
mod hue;
mod name;

use crate::failure::{Exit, Failure};
use change::Change;
use name::Name;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const COLLECTOR: &str = include_str!("../../templates/collector.rs");
const WORKLOAD: &str = include_str!("../../templates/workload.rs");
const ENTRY: &str = include_str!("../../templates/workload.toml");
const SUITE: &str = "workloads/suites/core.toml";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Kind of the addition.
    what: What,
    /// Its name, such as `my-gc`: words of small letters and digits, joined by hyphens.
    #[arg(value_parser = Name::parse)]
    name: Name,
    /// The checkout, or a directory in it.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// A collector that allocates and does not reclaim yet.
    Collector,
    /// A program that builds and drops lists, and its entry in the suite.
    Workload,
}

pub(crate) fn new(args: &Args, out: &mut dyn Write) -> Result<Exit, Failure> {
    let root = change::root_of(&args.dir)?;
    let changes = plan(args.what, &args.name, &root)?;
    change::apply(&root, &changes)?;
    for Change { path, before, .. } in &changes {
        let word = if before.is_none() { "wrote" } else { "added to" };
        writeln!(out, "{word} {path}")?;
    }
    let [_, module, name] = args.name.spellings();
    let (first, second) = match args.what {
        What::Collector => {
            (format!("run --release -- verify {name}"), format!("-c {name},mark-sweep"))
        }
        What::Workload => (format!("test -p gcw-workloads --lib {module}"), format!("-w {name}")),
    };
    writeln!(out, "\nNext, in {}:\n  cargo {first}", root.display())?;
    writeln!(out, "  cargo run --release -- run {second}")?;
    if args.what == What::Collector {
        writeln!(out, "crates/collectors/README.md continues to a mark-sweep, step by step.")?;
    }
    Ok(Exit::Fine)
}

/// The changes that add `name` to the checkout.
fn plan(what: What, name: &Name, root: &Path) -> Result<Vec<Change>, Failure> {
    let (noun, stand_in, template, folder, table) = match what {
        What::Collector => ("collector", "my-gc", COLLECTOR, "crates/collectors/src", "collectors"),
        What::Workload => ("workload", "my-program", WORKLOAD, "workloads/src", "catalogue"),
    };
    let [type_name, module, kebab] = name.spellings();
    let filled = |template: &str| name.instead_of(stand_in, template);
    let refusal = |why: String| Failure::Usage(format!("{why}; nothing was written"));
    let read = |path: &str| match fs::read_to_string(root.join(path)) {
        Err(error) => Err(refusal(format!("cannot read {path}: {error}"))),
        Ok(text) if text.contains(&format!("\"{kebab}\"")) => Err(refusal(format!(
            "there is a {noun} '{kebab}' already, in {path}: choose another name"
        ))),
        Ok(text) => Ok(text),
    };
    let lib = format!("{folder}/lib.rs");
    let before = read(&lib)?;
    // The template's words are taken, too: the new type would shadow its imports.
    if has_word(&before, &type_name) || has_word(template, &type_name) && kebab != stand_in {
        let meant = format!("the type {type_name}, which means something else already");
        return Err(refusal(format!("{noun} '{kebab}' would be {meant}: choose another name")));
    }
    let start = format!("    mod {module}: \"{kebab}\" => {type_name}");
    let row = match what {
        What::Collector => {
            let (light, dark) = hue::unused(&before);
            let facts = format!("Tracing, (\"{light}\", \"{dark}\"), Dashed");
            format!("{start}, {facts}, \"does not reclaim yet\";")
        }
        What::Workload => format!("{start}({module}::{type_name}), OWNED;"),
    };
    let after = with_row(&before, table, &row).ok_or_else(|| {
        let lines = format!("from a line `{table}! {{` to a line `}}`");
        refusal(format!("{lib} has no table of {noun}s any more, {lines}: restore it"))
    })?;
    let mut changes = vec![
        Change { path: format!("{folder}/{module}.rs"), before: None, after: filled(template) },
        Change { path: lib, before: Some(before), after },
    ];
    if what == What::Workload {
        let before = read(SUITE)?;
        let after = format!("{}\n{}", before.trim_end(), filled(ENTRY));
        changes.push(Change { path: SUITE.to_owned(), before: Some(before), after });
    }
    Ok(changes)
}

/// `source` with a last row in the table `table! { .. }`; `None` if there is no such table.
fn with_row(source: &str, table: &str, row: &str) -> Option<String> {
    let start = source.find(&format!("\n{table}! {{"))?;
    let end = start + source[start..].find("\n}")? + 1;
    Some(format!("{}{row}\n{}", &source[..end], &source[end..]))
}

/// Whether the code of a source, without its comments, has this word.
fn has_word(source: &str, word: &str) -> bool {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.flat_map(|line| line.split(|c| !is_part(c))).any(|other| other == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "macro_rules! rows {\n}\nrows! {\n    a;\n}\n\nfn f() {\n}\n";

    #[test]
    fn a_row_goes_to_the_end_of_its_table() {
        let expected = SOURCE.replace("    a;\n", "    a;\n    b;\n");
        assert_eq!(with_row(SOURCE, "rows", "    b;").unwrap(), expected);
        let windows = SOURCE.replace('\n', "\r\n");
        assert!(with_row(&windows, "rows", "    b;").unwrap().contains("    a;\r\n    b;\n}\r\n"));
    }

    #[test]
    fn a_table_that_is_not_there_gets_no_row() {
        assert_eq!(with_row(SOURCE, "columns", "    b;"), None);
        assert_eq!(with_row("\nrows! {\n    a;\n    }", "rows", "    b;"), None);
        assert_eq!(with_row("", "rows", "    b;"), None);
    }

    #[test]
    fn words_are_whole_and_not_in_comments() {
        let source = "mod a: MarkSweep;\n    // Region\n";
        assert!(has_word(source, "MarkSweep") && has_word(source, "a"));
        assert!(!has_word(source, "Mark") && !has_word(source, "Region"));
    }
}
