//! The order in which the files of a crate build on each other, read from their `use` lines and paths.
//!
//! A *unit* is a file of `src` or of a folder in it; files deeper down belong to the unit that their folder
//! is named after. No units import each other in a circle. The folders of `heap` are floors: their order is
//! that of the `mod` lines of its `lib.rs`, and a floor imports only those above it in that list. Tests may
//! import anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The imports of a crate's units, each with a file and a path that it is made of.
type Imports = BTreeMap<String, BTreeMap<String, String>>;

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src")
}

/// Every file below a folder except tests, with its module path: `space::cells::blocks`.
fn files(folder: &Path, module: &str, found: &mut Vec<(String, PathBuf)>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let inner = if module.is_empty() { name.clone() } else { format!("{module}::{name}") };
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            files(&path, &inner, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push((inner, path));
        }
    }
}

/// The code of a file: without comments, texts and test modules.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path that code writes from `crate::` or `super::` on; lists in braces are written out.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                continue;
            }
            expand("", &code[at..], &mut paths);
        }
    }
    paths
}

/// Reads one path or list of paths from the start of a text. Returns the rest of the text.
fn expand<'t>(prefix: &str, text: &'t str, paths: &mut Vec<String>) -> &'t str {
    let text = text.trim_start();
    if let Some(list) = text.strip_prefix('{') {
        let mut rest = list.trim_start();
        while !rest.is_empty() && !rest.starts_with('}') {
            rest = expand(prefix, rest, paths).trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match rest.strip_prefix("::") {
        Some(rest) if end > 0 => expand(&format!("{prefix}{name}::"), rest, paths),
        _ => {
            paths.push(format!("{prefix}{name}"));
            // `as other`, or a character that ends the path.
            rest.strip_prefix(" as ")
                .map_or(rest, |renamed| renamed.trim_start_matches(char::is_alphanumeric))
        }
    }
}

/// The module path that a path names in a module: without `crate::`, and `super::` resolved.
fn resolved(path: &str, module: &str) -> String {
    if let Some(path) = path.strip_prefix("crate::") {
        return path.to_owned();
    }
    let mut at: Vec<&str> = module.split("::").collect();
    let mut rest = path;
    while let Some(outer) = rest.strip_prefix("super::") {
        at.pop();
        rest = outer;
    }
    at.push(rest);
    at.join("::")
}

fn unit(module: &str) -> String {
    module.split("::").take(2).collect::<Vec<_>>().join("::")
}

/// The imports of a crate. A path to an item of the crate's root names the unit `lib`, unless it is a
/// macro.
fn imports(name: &str) -> Imports {
    let mut found = Vec::new();
    files(&source(name), "", &mut found);
    let modules: BTreeSet<String> = found.iter().map(|(module, _)| module.clone()).collect();
    let texts: Vec<_> =
        found.iter().map(|(m, p)| (m, code(&fs::read_to_string(p).unwrap()))).collect();
    let is_macro =
        |name: &str| texts.iter().any(|(_, text)| text.contains(&format!("macro_rules! {name} ")));
    let mut imports = Imports::new();
    for (module, text) in &texts {
        if *module == "lib" || *module == "main" {
            continue;
        }
        let of = imports.entry(unit(module)).or_default();
        for path in paths(text) {
            let target = resolved(&path, module);
            let mut at = target.as_str();
            let unit = loop {
                if modules.contains(at) {
                    break unit(at);
                }
                match at.rsplit_once("::") {
                    Some((outer, _)) => at = outer,
                    None if is_macro(at) => break unit(module),
                    None => break "lib".to_owned(),
                }
            };
            if unit != self::unit(module) {
                of.entry(unit).or_insert(format!("{module} uses {path}"));
            }
        }
    }
    imports
}

/// The imports between units that are left when those are taken away, again and again, that import no unit
/// that is left, or that none imports.
fn circle(imports: &Imports) -> Vec<String> {
    let mut left: BTreeSet<&String> = imports.keys().collect();
    let edges = |left: &BTreeSet<&String>| -> Vec<(String, String, String)> {
        let edges =
            imports.iter().flat_map(|(unit, of)| of.iter().map(move |(o, why)| (unit, o, why)));
        let edges = edges.filter(|(unit, other, _)| left.contains(unit) && left.contains(other));
        edges.map(|(unit, other, why)| (unit.clone(), other.clone(), why.clone())).collect()
    };
    loop {
        let inside = edges(&left);
        let before = left.len();
        left.retain(|unit| {
            inside.iter().any(|(from, ..)| from == *unit)
                && inside.iter().any(|(_, to, _)| to == *unit)
        });
        if left.len() == before {
            return inside.into_iter().map(|(.., why)| why).collect();
        }
    }
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for name in
        ["heap", "conformance", "cli", "collectors", "safety", "runner", "record", "analysis"]
    {
        let found = circle(&imports(name));
        assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
    }
}

#[test]
fn each_floor_of_the_heap_imports_only_those_above_it() {
    let lib = code(&fs::read_to_string(source("heap").join("lib.rs")).unwrap());
    let floors: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).collect();
    let expected = "memory object blocks context trace space reclaim collector mutator";
    assert_eq!(floors.join(" "), expected);
    let floor = |unit: &str| floors.iter().position(|floor| unit.split("::").next() == Some(floor));
    for (unit, of) in imports("heap") {
        for (other, why) in of {
            let is_above = floor(&other).is_some_and(|other| Some(other) <= floor(&unit));
            assert!(is_above, "an upward import: {why}");
        }
    }
}

#[test]
fn the_reader_of_imports_sees_lists_paths_and_comments_as_the_compiler_does() {
    let text = "use crate::{a::{B, c::D}, e}; // crate::f\nlet x = super::g::h(crate::I);\n#[cfg(test)]\nmod tests { use crate::j; }";
    let found = paths(&code(text));
    assert_eq!(found, ["crate::a::B", "crate::a::c::D", "crate::e", "crate::I", "super::g::h"]);
    assert_eq!(resolved("super::super::k", "a::b::c"), "a::k");
    let import = |other: &str| BTreeMap::from([(other.to_owned(), String::new())]);
    let line = Imports::from([("a".into(), import("b")), ("b".into(), BTreeMap::new())]);
    assert!(circle(&line).is_empty());
    let ring = Imports::from([("a".into(), import("b")), ("b".into(), import("a"))]);
    assert_eq!(circle(&ring).len(), 2);
}
