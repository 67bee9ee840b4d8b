//! Maps the end of a child process to the outcome of its cell.
//!
//! | the child | outcome |
//! | --- | --- |
//! | was stopped at the time limit | timeout |
//! | exit 0 and a readable line | ok, or wrong answer by its answer |
//! | exit 0 without a readable line | crash, with the expected format |
//! | exit 3 | out of memory; a line, if any, holds the partial sample |
//! | a signal after "overflowed its stack" | stack overflow |
//! | anything else | crash |

use crate::EXIT_OUT_OF_MEMORY;
use nix::sys::signal::Signal;
use record::{Outcome, Sample, is_readable, unreadable};
use std::time::Duration;

/// Part of the message with which Rust's runtime reports a stack overflow before it aborts.
const STACK_OVERFLOW: &str = "overflowed its stack";
/// The line with which Rust's runtime ends the message of a panic.
const BACKTRACE_HINT: &str = "note: run with `RUST_BACKTRACE";
/// Maximum number of lines of standard error in a reason.
const LAST_LINES: usize = 4;
/// Maximum length of an excerpt of a child's output in a reason, in characters.
const EXCERPT_CHARS_MAX: usize = 300;

/// The end of a child process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It exited with this code.
    Exited(i32),
    /// This signal ended it.
    Signalled(i32),
    /// The runner ended it after this time.
    TimedOut(Duration),
}

/// A child process after its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildEnd {
    /// Its end.
    pub stop: Stop,
    /// Its standard output.
    pub stdout: String,
    /// The last kilobytes of its standard error.
    pub stderr_tail: String,
    /// Start time, milliseconds since the Unix epoch.
    pub started_unix_ms: u64,
    /// Wall time from spawn to exit, in ns.
    pub wall_ns: u64,
}

/// Returns the outcome of a cell, and its sample if the child printed one.
pub fn classify(end: &ChildEnd) -> (Outcome, Option<Sample>) {
    match end.stop {
        Stop::TimedOut(limit) => {
            let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
            (Outcome::Timeout { limit_ms }, None)
        }
        Stop::Exited(0) => match read_sample(&end.stdout) {
            Ok(sample) => (judge(&sample), Some(sample)),
            Err(reason) => (Outcome::Crash { reason }, None),
        },
        Stop::Exited(EXIT_OUT_OF_MEMORY) => {
            let reason =
                stderr_excerpt(end).unwrap_or_else(|| "the heap limit was reached".to_owned());
            (Outcome::OutOfMemory { reason }, read_sample(&end.stdout).ok())
        }
        Stop::Exited(101) => (crash("panicked", end), None),
        Stop::Exited(code) => (crash(&format!("exit code {code}"), end), None),
        Stop::Signalled(_) if end.stderr_tail.contains(STACK_OVERFLOW) => {
            let line = end.stderr_tail.lines().find(|line| line.contains(STACK_OVERFLOW));
            (Outcome::StackOverflow { reason: excerpt(line.unwrap_or_default()) }, None)
        }
        Stop::Signalled(signal) => {
            (crash(&format!("ended by signal {}", signal_name(signal)), end), None)
        }
    }
}

fn judge(sample: &Sample) -> Outcome {
    if sample.answer.is_right() {
        Outcome::Ok
    } else {
        Outcome::WrongAnswer {
            expected: sample.answer.expected.clone(),
            got: sample.answer.got.clone(),
        }
    }
}

/// Reads the last non-empty line: external programs may print other lines before their sample.
fn read_sample(stdout: &str) -> Result<Sample, String> {
    let Some(line) = stdout.lines().rfind(|line| !line.trim().is_empty()) else {
        return Err(
            "expected one JSON line (a sample) on standard output, found nothing".to_owned()
        );
    };
    let sample: Sample = serde_json::from_str(line).map_err(|e| {
        format!(
            "expected one JSON line (a sample) as last line of standard output: {e}; found: {}",
            excerpt(line)
        )
    })?;
    let version = u64::from(sample.schema);
    if is_readable(version) { Ok(sample) } else { Err(unreadable(version)) }
}

fn crash(how: &str, end: &ChildEnd) -> Outcome {
    let reason = match stderr_excerpt(end) {
        Some(words) => format!("{how}: {words}"),
        None => format!("{how}, with nothing on standard error"),
    };
    Outcome::Crash { reason }
}

/// The end of standard error, on one line; `None` if it is empty. Of a panic the message, without the
/// backtrace after it.
fn stderr_excerpt(end: &ChildEnd) -> Option<String> {
    let lines: Vec<&str> =
        end.stderr_tail.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let panic = lines.iter().rposition(|line| line.contains("panicked at "));
    let first = panic.unwrap_or(lines.len().saturating_sub(LAST_LINES));
    let words: Vec<&str> = lines[first..]
        .iter()
        .copied()
        .take_while(|line| *line != "stack backtrace:" && !line.starts_with(BACKTRACE_HINT))
        .collect();
    (!words.is_empty()).then(|| excerpt(&words.join(" ")))
}

fn excerpt(text: &str) -> String {
    let clean = text.trim().replace(char::is_control, " ");
    match clean.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &clean[..at]),
        None => clean,
    }
}

fn signal_name(signal: i32) -> String {
    match Signal::try_from(signal) {
        Ok(Signal::SIGKILL) => "9 (SIGKILL, by the kernel's memory watchdog or by hand)".to_owned(),
        Ok(name) => format!("{signal} ({name})"),
        // Real-time signals have no names.
        Err(_) => signal.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Interrupt, run_child};
    use std::process::Command;

    /// The line that a child prints, with the given answer.
    fn line(got: &str, expected: &str) -> String {
        format!(
            r#"{{"schema":1,"collector":"c","workload":"w","answer":{{"got":"{got}","expected":"{expected}"}},"wall_ns":5,"cpu_ns":4,"teardown_wall_ns":0,"teardown_cpu_ns":0,"page_faults":0,"peak_rss_bytes":0}}"#
        )
    }

    /// Runs a real child and classifies its end.
    fn outcome_of(script: &str) -> (Outcome, Option<Sample>) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let limit = Duration::from_secs(600);
        classify(&run_child(&mut command, limit, &Interrupt::new()).unwrap().unwrap())
    }

    fn check(script: &str, word: &str, reason: &str, sample: bool) {
        let (outcome, found) = outcome_of(script);
        assert_eq!(outcome.word(), word, "{outcome}");
        assert!(outcome.reason().contains(reason), "{outcome}");
        assert_eq!(found.is_some(), sample);
    }

    #[test]
    fn a_readable_line_is_judged_by_its_answer() {
        let (right, wrong) = (line("1", "1"), line("1", "2"));
        check(&format!("echo '{right}'"), "ok", "", true);
        check(&format!("echo 'warming up'; echo '{right}'; echo"), "ok", "", true);
        check(&format!("echo '{wrong}'"), "wrong", "expected 2, got 1", true);
    }

    #[test]
    fn an_unreadable_line_is_a_crash_that_names_the_expected_format() {
        check("true", "crash", "expected one JSON line", false);
        check("echo hello", "crash", "found: hello", false);
        check("echo '{\"schema\":1}'", "crash", "missing field `collector`", false);
        let other = line("1", "1").replace(r#""schema":1"#, r#""schema":99"#);
        check(&format!("echo '{other}'"), "crash", "schema 1 to 2, found 99", false);
    }

    #[test]
    fn exit_code_3_is_out_of_memory_with_or_without_a_partial_sample() {
        check("echo '64 MiB held, 16 B asked' >&2; exit 3", "OOM", "64 MiB held", false);
        check("exit 3", "OOM", "heap limit", false);
        check(&format!("echo '{}'; exit 3", line("", "2")), "OOM", "", true);
    }

    #[test]
    fn a_stack_overflow_is_distinguished_from_other_signals() {
        let words = "echo \"thread 'main' has overflowed its stack\" >&2";
        check(&format!("{words}; kill -ABRT $$"), "stack overflow", "thread 'main'", false);
        check(&format!("{words}; kill -SEGV $$"), "stack overflow", "thread 'main'", false);
        check("kill -SEGV $$", "crash", "signal 11 (SIGSEGV)", false);
        check("echo aborting >&2; kill -ABRT $$", "crash", "aborting", false);
        check("kill -KILL $$", "crash", "SIGKILL", false);
        check("kill -40 $$", "crash", "signal 40", false);
    }

    #[test]
    fn other_exit_codes_are_crashes_with_the_end_of_stderr() {
        check("echo no such suite >&2; exit 2", "crash", "exit code 2: no such suite", false);
        let panic = "echo \"thread 'main' panicked at a.rs:1:1:\" >&2; echo boom >&2";
        let boom = "panicked: thread 'main' panicked at a.rs:1:1: boom";
        check(&format!("{panic}; exit 101"), "crash", boom, false);
        let trace = "echo stack backtrace: >&2; seq 20 >&2; exit 101";
        let (outcome, _) = outcome_of(&format!("{panic}; {trace}"));
        assert_eq!(outcome.reason(), boom);
        check("exit 9", "crash", "nothing on standard error", false);
    }

    #[test]
    fn a_time_limit_is_recorded_with_its_length() {
        let end = ChildEnd {
            stop: Stop::TimedOut(Duration::from_millis(1500)),
            stdout: line("1", "1"),
            stderr_tail: String::new(),
            started_unix_ms: 0,
            wall_ns: 0,
        };
        assert_eq!(classify(&end), (Outcome::Timeout { limit_ms: 1500 }, None));
    }
}
