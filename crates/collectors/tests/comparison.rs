//! The comparison table of the README beside `Cargo.toml`: facts of the registry, the length of each
//! file, and facts that only a reader of the file has. `UPDATE_README=1` writes it again.

#![forbid(unsafe_code)]

use collectors::registry::{Entry, standard};
use heap::Barrier;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The facts about a collector that its type does not have.
struct Row {
    name: &'static str,
    /// The work of a store beside the store.
    store: &'static str,
    /// The quantities that the longest pause grows with.
    pauses: &'static str,
    /// Memory beyond the live objects.
    space: &'static str,
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { name: "no-gc", store: "none", pauses: "none", space: "everything ever allocated" },
    Row { name: "region", store: "none", pauses: "none", space: "dead objects in regions that have not ended" },
    Row { name: "manual", store: "none", pauses: "the objects that one `free` frees", space: "free cells of other sizes" },
    Row { name: "ownership", store: "drops the overwritten object", pauses: "the objects that one owner owns", space: "free cells of other sizes" },
    Row { name: "rc", store: "counts both references", pauses: "the objects that one reference held", space: "a count; free cells" },
    Row { name: "rc-weak", store: "counts both references", pauses: "the objects that one reference held", space: "two counts; cells of the weakly held" },
    Row { name: "rc-cycles", store: "counts both, buffers possible roots", pauses: "a slice; the objects that possible roots reach", space: "a count; garbage cycles until the heap has grown" },
    Row { name: "rc-deferred", store: "logs the first store to an object", pauses: "roots, log and dead objects", space: "a count; the log; an epoch's garbage" },
    Row { name: "mark-sweep", store: "none", pauses: "live objects", space: "garbage until the heap is full" },
    Row { name: "mark-sweep-parallel", store: "none", pauses: "live objects, shared by threads", space: "garbage until the heap is full; a mark byte for two granules" },
    Row { name: "semispace", store: "none", pauses: "live objects", space: "room for a copy of everything" },
    Row { name: "mark-compact", store: "none", pauses: "live objects, twice over", space: "garbage until the heap is full; no holes" },
    Row { name: "mark-sweep-incremental", store: "shades the old reference while marking", pauses: "a slice; the roots; weak slots", space: "garbage for up to two cycles" },
    Row { name: "mark-sweep-concurrent", store: "logs the old reference while marking", pauses: "the roots; the rest of the log; weak slots", space: "garbage for up to two cycles; a second table of marks" },
    Row { name: "generational", store: "remembers old objects that get young ones", pauses: "live young objects; at a major collection all live objects", space: "old garbage until a major collection" },
    Row { name: "gen-copy", store: "remembers old objects that get young ones", pauses: "live young objects; at a major collection all live objects", space: "a nursery, and a cell for each object in it" },
    Row { name: "immix", store: "none", pauses: "live objects", space: "garbage in lines with a live object; headroom" },
];

#[test]
fn the_readme_compares_the_collectors_as_they_are() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(&readme).expect("the README can be read");
    let (before, rest) =
        text.split_once("<!-- comparison -->\n").expect("the table has a beginning");
    let (_, after) = rest.split_once("<!-- end of comparison -->").expect("the table has an end");
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
        "| collector | barrier | a store also | moves | reclaims cycles | the longest pause grows with | memory beyond live objects | lines |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let registry = standard::<()>();
    for row in ROWS {
        let Row { name, store, pauses, space } = row;
        let entry = registry.find(name).unwrap_or_else(|| panic!("{name} is no collector"));
        let word = |is: bool| if is { "yes" } else { "no" };
        let (moves, cycles) = (word(entry.factory.caps.moves), cycles(entry));
        let barrier = barrier(entry.factory.caps.barrier);
        let lines = lines(&source(name));
        writeln!(
            table,
            "| [`{name}`](src/{}.rs) | {barrier} | {store} | {moves} | {cycles} | {pauses} | {space} | {lines} |",
            name.replace('-', "_"),
        )
        .expect("a string takes everything");
    }
    table
}

fn barrier(barrier: Barrier) -> &'static str {
    match barrier {
        Barrier::None => "none",
        Barrier::Counting => "counting",
        Barrier::Logging => "logging",
        Barrier::Remembering => "remembering",
        Barrier::Deletion => "deletion",
        Barrier::Insertion => "insertion",
    }
}

fn cycles(entry: &Entry<()>) -> &'static str {
    let caps = entry.factory.caps;
    match () {
        () if caps.cycles => "yes",
        () if caps.needs_free => "if the program frees them",
        () if caps.regions && !caps.drops => "with their region",
        () => "no",
    }
}

fn source(name: &str) -> PathBuf {
    let file = format!("src/{}.rs", name.replace('-', "_"));
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Lines of code, those of files in a folder of its name included: neither blank nor comments, without tests.
fn lines(source: &Path) -> usize {
    let parts = fs::read_dir(source.with_extension("")).into_iter().flatten();
    let parts: usize = parts.map(|part| lines(&part.expect("an entry").path())).sum();
    let text = fs::read_to_string(source).unwrap_or_else(|e| panic!("{}: {e}", source.display()));
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let own = code.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("//"));
    parts + own.count()
}
