//! The README's changes, applied one after another, give the files of the steps.
//!
//! Each block follows a comment that names the file it leads to: `<!-- tests/tutorial/step_2.rs -->`. The
//! first is a whole file, the others are unified diffs against the step before.

use similar::{Algorithm, TextDiff};
use std::path::Path;
use std::{env, fs, iter};

/// The steps that the README shows.
const STEPS: usize = 9;

/// The README before, in and after the block of a file.
fn split<'r>(readme: &'r str, file: &str, language: &str) -> (&'r str, &'r str, &'r str) {
    let fence = format!("<!-- {file} -->\n```{language}\n");
    let start = readme.find(&fence).unwrap_or_else(|| panic!("README.md has no block {fence:?}"));
    let (before, rest) = readme.split_at(start + fence.len());
    let (block, after) = rest.split_at(rest.find("```\n").expect("the block has an end"));
    (before, block, after)
}

/// A text after a unified diff.
fn apply(text: &str, diff: &str) -> Result<String, String> {
    let old: Vec<&str> = text.lines().collect();
    let (mut new, mut at) = (Vec::new(), 0);
    for line in diff.lines() {
        let kept = line.strip_prefix(' ').or(line.is_empty().then_some(""));
        if let Some(place) = line.strip_prefix("@@ -") {
            let number = place.split([',', ' ']).next().and_then(|n| n.parse::<usize>().ok());
            let start = number.filter(|n| (at + 1..=old.len()).contains(n)).ok_or(line)? - 1;
            new.extend(&old[at..start]);
            at = start;
        } else if let Some(added) = line.strip_prefix('+') {
            new.push(added);
        } else {
            let expected = kept.or(line.strip_prefix('-')).ok_or(line)?;
            if old.get(at) != Some(&expected) {
                return Err(format!("'{line}' does not apply"));
            }
            new.extend(kept);
            at += 1;
        }
    }
    new.extend(&old[at..]);
    Ok(new.into_iter().flat_map(|line| [line, "\n"]).collect())
}

fn changes(old: &str, new: &str) -> String {
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).diff_lines(old, new);
    let diff = diff.unified_diff().context_radius(2).to_string();
    diff.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

#[test]
fn the_changes_of_the_readme_lead_from_step_to_step() {
    let crate_ = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = crate_.join("README.md");
    let mut readme = fs::read_to_string(&place).expect("the README can be read");
    let blocks = ["```rust\n", "```diff\n"].map(|fence| readme.matches(fence).count());
    assert_eq!(blocks, [1, STEPS - 1], "a block that nothing tests");
    let mut wrong = Vec::new();
    let mut old = String::new();
    for step in 1..=STEPS {
        let file = format!("tests/tutorial/step_{step}.rs");
        let new = fs::read_to_string(crate_.join(&file)).expect("the step can be read");
        let (before, block, after) = split(&readme, &file, if step == 1 { "rust" } else { "diff" });
        let applied = if step == 1 { Ok(block.to_owned()) } else { apply(&old, block) };
        if applied.as_ref() != Ok(&new) {
            let (line, reason) = (1 + before.lines().count(), applied.err().unwrap_or_default());
            wrong.push(format!("README.md:{line}: it does not give {file}: {reason}"));
            let right = if step == 1 { new.clone() } else { changes(&old, &new) };
            readme = [before, &right, after].concat();
        }
        old = new;
    }
    if env::var_os("UPDATE_TUTORIAL").is_some() {
        fs::write(&place, readme).expect("the README can be written");
    } else {
        let remedy = "`UPDATE_TUTORIAL=1 cargo test -p gcw-collectors --test tutorial` writes them";
        assert!(wrong.is_empty(), "{}\n{remedy}", wrong.join("\n"));
    }
}

#[test]
fn a_change_that_does_not_fit_is_refused() {
    let text = "a\nb\n\nc\n";
    assert_eq!(apply(text, "@@ -2,3 +2,3 @@\n-b\n+d\n\n c\n"), Ok("a\nd\n\nc\n".to_owned()));
    for wrong in ["@@ -2 +2 @@\n-a\n", "@@ -9 +9 @@\n+a\n", "@@ -4 +4 @@\n-c\n-d\n", "a\n"] {
        assert!(apply(text, wrong).is_err(), "{wrong}");
    }
    let other = "a\n\nc\nd\n";
    assert_eq!(apply(text, &changes(text, other)), Ok(other.to_owned()));
    let wide: String = iter::repeat_n("x\n", 20).collect();
    let (from, to) = (format!("{text}{wide}{text}"), format!("{other}{wide}{other}"));
    assert_eq!(apply(&from, &changes(&from, &to)), Ok(to));
}
