//! A checkout of the workbench on disk: where it is, and the tables that its sources hold.

use crate::failure::Failure;
use std::fs;
use std::path::{Path, PathBuf};

/// Files by which a checkout is known, and which a scaffold reads.
const LANDMARKS: [&str; 3] = ["Cargo.toml", "crates/collectors/src/lib.rs", "workloads/src/lib.rs"];

/// The directory that holds the workspace.
#[derive(Debug)]
pub(crate) struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The checkout that a directory lies in.
    pub(crate) fn find(start: &Path) -> Result<Self, Failure> {
        let place = start.canonicalize().map_err(|error| {
            Failure::Usage(format!("cannot look for a checkout in {}: {error}", start.display()))
        })?;
        let is_checkout =
            |root: &&Path| LANDMARKS.iter().all(|landmark| root.join(landmark).is_file());
        match place.ancestors().find(is_checkout) {
            Some(root) => Ok(Self { root: root.to_owned() }),
            None => Err(Failure::Usage(format!(
                "{} is not in a checkout of the workbench; go to one, or name it with --dir \
                 (its crates/cli/examples/out-of-tree shows a collector in a crate of its own)",
                place.display()
            ))),
        }
    }

    /// Its directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The text of a file of it.
    pub(crate) fn read(&self, path: &str) -> Result<String, Failure> {
        fs::read_to_string(self.root.join(path)).map_err(|error| {
            Failure::Usage(format!("cannot read {path}: {error}; nothing was written"))
        })
    }
}

/// The source with a row at the end of the table that the macro `table` makes; `None` if there is no
/// such table: a line `table! {` and, below it, its end `}`, both at the beginning of a line.
pub(crate) fn with_row(source: &str, table: &str, row: &str) -> Option<String> {
    let start = line_start(source, 0, &format!("{table}! {{"))?;
    let end = line_start(source, start, "}")?;
    Some(format!("{}{row}\n{}", &source[..end], &source[end..]))
}

/// Where the first line from `from` on begins that reads so.
fn line_start(source: &str, from: usize, line: &str) -> Option<usize> {
    let mut start = from;
    source[from..].split_inclusive('\n').find_map(|text| {
        let found = (text.trim_end() == line).then_some(start);
        start += text.len();
        found
    })
}

/// Whether the code of a source, its comments left out, has this word.
pub(crate) fn has_word(source: &str, word: &str) -> bool {
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
        assert_eq!(with_row("rows! {\n    a;\n    }", "rows", "    b;"), None);
        assert_eq!(with_row("", "rows", "    b;"), None);
    }

    #[test]
    fn words_are_whole_and_not_in_comments() {
        let source = "mod a: MarkSweep;\n    // Region\n";
        assert!(has_word(source, "MarkSweep") && has_word(source, "a"));
        assert!(!has_word(source, "Mark") && !has_word(source, "Region"));
    }
}
