//! The README's code against the files of the steps.
//!
//! Each step's block follows a comment that names its file: `<!-- tests/tutorial/step_1.rs -->`.

use std::fs;
use std::path::Path;

/// Before and after a block's code.
const FENCE: (&str, &str) = ("\n```rust\n", "```\n");

/// The steps that the README shows.
const STEPS: usize = 6;

/// The README with the code of a step in its block.
fn with_step(readme: &str, file: &str, code: &str) -> String {
    let marker = format!("<!-- {file} -->{}", FENCE.0);
    let start = readme.find(&marker).unwrap_or_else(|| panic!("README.md has no block {marker:?}"));
    let start = start + marker.len();
    let length = readme[start..].find(FENCE.1).expect("the block has an end");
    format!("{}{code}{}", &readme[..start], &readme[start + length..])
}

/// The first line in which two texts differ, from 1.
fn difference(a: &str, b: &str) -> usize {
    1 + a.lines().zip(b.lines()).take_while(|(a, b)| a == b).count()
}

#[test]
fn the_readme_shows_the_code_that_is_tested() {
    let crate_ = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = crate_.join("README.md");
    let readme = fs::read_to_string(&place).expect("the README can be read");
    let mut expected = readme.clone();
    for step in 1..=STEPS {
        let file = format!("tests/tutorial/step_{step}.rs");
        let code = fs::read_to_string(crate_.join(&file)).expect("the step can be read");
        expected = with_step(&expected, &file, &code);
    }
    assert_eq!(readme.matches("```rust\n").count(), STEPS, "a block of Rust that nothing tests");
    if std::env::var_os("UPDATE_TUTORIAL").is_some() {
        fs::write(&place, expected).expect("the README can be written");
    } else if readme != expected {
        panic!(
            "README.md:{}: this line is not in the file of its step; change that file, then run \
             `UPDATE_TUTORIAL=1 cargo test -p gcw-collectors --test tutorial`",
            difference(&readme, &expected)
        );
    }
}
