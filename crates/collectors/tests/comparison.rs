//! The comparison table of the README beside `Cargo.toml`: what the registry knows of each collector,
//! how long its file is, and what only a reader of it can say. `UPDATE_README=1` writes it again.

#![forbid(unsafe_code)]

use collectors::registry::{Entry, standard};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What its type does not say of a collector.
struct Row {
    name: &'static str,
    /// What a store costs beside the store.
    barrier: &'static str,
    /// What the longest pause grows with.
    pauses: &'static str,
    /// What it needs beyond what is live.
    space: &'static str,
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { name: "no-gc", barrier: "none", pauses: "none", space: "all that was ever allocated" },
    Row { name: "region", barrier: "none", pauses: "none", space: "what has died in regions that go on" },
    Row { name: "manual", barrier: "none", pauses: "what one `free` frees", space: "free cells of other sizes" },
    Row { name: "ownership", barrier: "drops what is overwritten", pauses: "what one owner owns", space: "free cells of other sizes" },
    Row { name: "rc", barrier: "counts both references", pauses: "what one reference held", space: "a count; free cells" },
    Row { name: "rc-weak", barrier: "counts both references", pauses: "what one reference held", space: "two counts; cells of the weakly held" },
    Row { name: "rc-cycles", barrier: "counts both, notes suspects", pauses: "what suspects reach", space: "a count; garbage cycles until the heap has grown" },
    Row { name: "rc-deferred", barrier: "logs the first store to an object", pauses: "roots, log and what has died", space: "a count; the log; an epoch's garbage" },
    Row { name: "mark-sweep", barrier: "none", pauses: "what is live", space: "garbage until the heap is full" },
    Row { name: "mark-sweep-parallel", barrier: "none", pauses: "what is live, shared by threads", space: "garbage until the heap is full; a mark byte for two granules" },
    Row { name: "semispace", barrier: "none", pauses: "what is live", space: "room for a copy of everything" },
    Row { name: "mark-compact", barrier: "none", pauses: "what is live, twice over", space: "garbage until the heap is full; no holes" },
    Row { name: "mark-sweep-incremental", barrier: "shades the old reference while marking", pauses: "a slice; the roots; weak slots", space: "garbage for up to two cycles" },
    Row { name: "mark-sweep-concurrent", barrier: "logs the old reference while marking", pauses: "the roots; what is left of the log; weak slots", space: "garbage for up to two cycles; a second table of marks" },
    Row { name: "generational", barrier: "logs old objects that get young ones", pauses: "the young that live; at a major collection all", space: "old garbage until a major collection" },
    Row { name: "gen-copy", barrier: "logs old objects that get young ones", pauses: "the young that live; at a major collection all", space: "a nursery, and a cell for each object in it" },
    Row { name: "immix", barrier: "none", pauses: "what is live", space: "garbage in lines that something lives in; headroom" },
];

#[test]
fn the_readme_compares_the_collectors_as_they_are() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(&readme).expect("the README can be read");
    let (before, rest) = text.split_once("<!-- comparison -->\n").expect("where the table begins");
    let (_, after) = rest.split_once("<!-- end of comparison -->").expect("where it ends");
    let table = table();
    let wanted = format!("{before}<!-- comparison -->\n{table}<!-- end of comparison -->{after}");
    if env::var_os("UPDATE_README").is_some() {
        fs::write(&readme, &wanted).expect("the README can be written");
    }
    let is_right = text == wanted || env::var_os("UPDATE_README").is_some();
    assert!(is_right, "the table is out of date: UPDATE_README=1 writes it again\n{table}");
}

fn table() -> String {
    let mut table = String::from(
        "| collector | a store also | moves | reclaims cycles | the longest pause grows with | memory beyond what is live | lines |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let registry = standard::<()>();
    for row in ROWS {
        let Row { name, barrier, pauses, space } = row;
        let entry = registry.find(name).unwrap_or_else(|| panic!("{name} is no collector"));
        let word = |is: bool| if is { "yes" } else { "no" };
        let (moves, cycles) = (word(entry.factory.caps.moves), cycles(entry));
        let lines = lines(&source(name));
        writeln!(
            table,
            "| [`{name}`](src/{}.rs) | {barrier} | {moves} | {cycles} | {pauses} | {space} | {lines} |",
            name.replace('-', "_"),
        )
        .expect("a string takes everything");
    }
    table
}

fn cycles(entry: &Entry<()>) -> &'static str {
    let caps = entry.factory.caps;
    match () {
        () if caps.cycles => "yes",
        () if caps.needs_free => "if the author frees them",
        () if caps.regions && !caps.drops => "with their region",
        () => "no",
    }
}

fn source(name: &str) -> PathBuf {
    let file = format!("src/{}.rs", name.replace('-', "_"));
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Lines of code: neither blank nor comments, without tests.
fn lines(source: &Path) -> usize {
    let text = fs::read_to_string(source).unwrap_or_else(|e| panic!("{}: {e}", source.display()));
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("//")).count()
}
