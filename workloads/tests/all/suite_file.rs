//! Suite files of users: accepted files, and errors with their lines.

use std::path::Path;
use workloads::{PROGRAMS, Size, Suite, SuiteError};

const MINE: &str = r#"
name = "mine"
summary = "one workload"
seed = 7

[[workload]]
name = "shallow"
program = "binary-trees"
summary = "s"
source = "s"
analysis = "a"

[workload.default]
parameters = { depth = 5 }
answer = "?"
"#;

/// The error for [`MINE`] with `what` replaced.
fn refused(what: &str, by: &str) -> String {
    assert_eq!(MINE.matches(what).count(), 1, "{what} is to be replaced once");
    let error = Suite::parse(Path::new("mine.toml"), &MINE.replace(what, by)).unwrap_err();
    error.to_string()
}

fn check(what: &str, by: &str, line: usize, expected: &str) {
    let message = refused(what, by);
    assert!(message.starts_with(&format!("mine.toml:{line}: ")), "{message}");
    assert!(message.contains(expected), "{message}");
}

#[test]
fn a_file_may_omit_sizes_and_the_census() {
    let suite = Suite::parse(Path::new("mine.toml"), MINE).unwrap();
    let workload = suite.find("shallow").unwrap();
    assert_eq!((workload.program.as_str(), suite.seed), ("binary-trees", 7));
    assert!(workload.at(Size::Small).is_none() && workload.at(Size::Large).is_none());
    assert_eq!(workload.at(Size::Default).unwrap().census, None);
}

#[test]
fn errors_name_their_lines() {
    check("seed = 7", "seed = ", 4, "");
    check("seed = 7", "seed = 7\nsede = 8", 5, "unknown field `sede`, expected one of `name`");
    check("seed = 7", "", 1, "missing field `seed`");
    check("answer = \"?\"", "anwser = \"?\"", 15, "unknown field `anwser`");
    check("depth = 5", "depth = -5", 14, "-5");
    check("depth = 5", "depth = 29", 13, "29 where a number from 0 to 28 is expected");
    check("depth = 5", "dept = 5", 13, "unknown field `dept`, expected `depth`");
    check("[workload.default]", "[workload.medium]", 13, "unknown field `medium`");
    let all: Vec<&str> = PROGRAMS.iter().map(|program| program.name).collect();
    let expected = format!("there is no program 'binary-tree'; there are {}", all.join(", "));
    check("binary-trees", "binary-tree", 8, &expected);
    let message = Suite::parse(
        Path::new("mine.toml"),
        &format!("{MINE}{}", &MINE[MINE.find("[[").unwrap()..]),
    );
    let message = message.unwrap_err().to_string();
    assert!(message.ends_with("mine.toml:17: a second workload 'shallow'"), "{message}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Suite::load(Path::new("no/such/suite.toml")).unwrap_err();
    assert!(matches!(error, SuiteError::Io { .. }));
    assert!(error.to_string().contains("no/such/suite.toml"), "{error}");
}
