//! Runs one child process under a time limit and collects its output.
//!
//! The parent blocks on one channel. Three threads work for it: one waits for the child's end, two
//! drain its output. Nothing polls or sleeps, so a cell costs the parent well under a millisecond.

use crate::classify::{ChildEnd, Stop};
use crate::group::{
    DRAIN_GRACE, Group, STDERR_TAIL_BYTES, STDOUT_BYTES_MAX, in_background, read_tail, stop_of,
};
use crate::interrupt::{Interrupt, Wake};
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

/// Runs a command to its end, to `limit`, or to an interrupt; `None` if interrupted.
///
/// # Errors
/// If the process cannot be started or waited for.
pub fn run_child(
    command: &mut Command,
    limit: Duration,
    interrupt: &Interrupt,
) -> io::Result<Option<ChildEnd>> {
    if interrupt.is_raised() {
        return Ok(None);
    }
    let started = SystemTime::now();
    let clock = Instant::now();
    let (wake, woken) = mpsc::channel();
    let mut group = Group::start(command, Stdio::null(), wake.clone())?;
    let stdout = in_background(group.leader.stdout.take(), read_start);
    let stderr =
        in_background(group.leader.stderr.take(), |pipe| read_tail(pipe, STDERR_TAIL_BYTES));
    let listening = interrupt.wake(wake);

    let woken = woken.recv_timeout(limit);
    let wall = clock.elapsed();
    drop(listening);
    let status = group.end()?;

    let stop = match woken {
        Ok(Wake::Interrupted) => return Ok(None),
        Err(RecvTimeoutError::Timeout) => Stop::TimedOut(limit),
        Ok(_) | Err(RecvTimeoutError::Disconnected) => stop_of(status),
    };
    Ok(Some(ChildEnd {
        stop,
        stdout: stdout.recv_timeout(DRAIN_GRACE).unwrap_or_default(),
        stderr_tail: stderr.recv_timeout(DRAIN_GRACE).unwrap_or_default(),
        started_unix_ms: unix_ms(started),
        wall_ns: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX),
    }))
}

/// Milliseconds since the Unix epoch.
pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

fn read_start(pipe: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.take(STDOUT_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, thread};

    fn shell(script: &str, limit: Duration) -> ChildEnd {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run_child(&mut command, limit, &Interrupt::new()).unwrap().unwrap()
    }

    /// No child that ends by itself takes this long.
    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn output_and_exit_code_are_kept() {
        let end = shell("echo out; echo err >&2; exit 7", LONG);
        assert_eq!((end.stop, end.stdout.as_str()), (Stop::Exited(7), "out\n"));
        assert_eq!(end.stderr_tail, "err\n");
        assert!(end.wall_ns > 0 && end.started_unix_ms > 1_600_000_000_000);
    }

    #[test]
    fn a_signal_is_distinguished_from_an_exit() {
        assert_eq!(shell("kill -SEGV $$", LONG).stop, Stop::Signalled(11));
    }

    #[test]
    fn a_megabyte_on_both_pipes_does_not_block() {
        let end = shell("head -c 1000000 /dev/zero >&2; head -c 1000000 /dev/zero; echo", LONG);
        assert_eq!(end.stdout.len(), 1_000_001);
        assert!((STDERR_TAIL_BYTES..=2 * STDERR_TAIL_BYTES).contains(&end.stderr_tail.len()));
    }

    #[test]
    fn the_time_limit_ends_a_child_that_does_not() {
        let limit = Duration::from_millis(50);
        let end = shell("while :; do sleep 1000000; done", limit);
        assert_eq!(end.stop, Stop::TimedOut(limit));
        assert!(u128::from(end.wall_ns) >= limit.as_nanos(), "{} ns", end.wall_ns);
    }

    #[test]
    fn a_process_left_behind_ends_with_its_parent() {
        // It inherits the output pipe: if it stayed alive, reading would not end.
        let end = shell("sleep 1000000 & echo done", LONG);
        assert_eq!((end.stop, end.stdout.as_str()), (Stop::Exited(0), "done\n"));
    }

    #[test]
    fn an_interrupt_ends_the_child_that_runs_and_starts_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let running = directory.path().join("running");
        let mut command = Command::new("sh");
        command.args(["-c", "echo > \"$0\"; exec sleep 1000000"]).arg(&running);
        let interrupt = Interrupt::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                while !running.exists() {
                    thread::yield_now();
                }
                interrupt.raise();
            });
            assert_eq!(run_child(&mut command, LONG, &interrupt).unwrap(), None);
        });
        fs::remove_file(&running).unwrap();
        assert_eq!(run_child(&mut command, LONG, &interrupt).unwrap(), None);
        assert!(!running.exists(), "a second child has run");
    }

    #[test]
    fn a_program_that_does_not_exist_is_an_error() {
        let mut command = Command::new("/nowhere/gcw");
        let error = run_child(&mut command, LONG, &Interrupt::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    /// Times that this thread has given its processor up to wait.
    fn waits() -> u64 {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse().unwrap()
    }

    #[test]
    fn the_parent_waits_for_a_child_once_however_long_it_runs() {
        // For its start, its end, its waiting thread and its output, and now and then for a lock.
        const MOST: u64 = 25;
        let before = waits();
        assert_eq!(shell("sleep 1", LONG).stop, Stop::Exited(0));
        let waits = waits() - before;
        assert!(waits <= MOST, "{waits} waits: it polls");
    }
}
