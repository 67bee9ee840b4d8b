//! One child process: started, waited for, ended when its time is over, and its words kept.
//!
//! The parent sleeps in one channel. Three threads may wake it or work for it: one waits for the
//! child's end *without reaping it* (so that its process id cannot be reused while the parent may
//! still send it a signal), two drain its output. There is no polling and no sleeping, so a cell
//! costs the parent well under a millisecond.
//!
//! The child leads a process group of its own. Ending it ends what it started, too, and Ctrl-C in
//! the terminal reaches the parent alone, which then decides.

use crate::classify::{ChildEnd, Stop};
use crate::interrupt::{Interrupt, Wake};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Most that is read from a child's standard output; a longer line is not a sample.
const STDOUT_BYTES_MAX: u64 = 256 << 20;
/// How much of the end of its standard error is kept for the reason.
const STDERR_TAIL_BYTES: usize = 8 << 10;
/// How long an output pipe may stay open after its process group is gone.
const DRAIN_GRACE: Duration = Duration::from_secs(2);

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
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let pid = Pid::from_child(&child);
    let stdout = in_background(child.stdout.take(), |pipe| read_start(pipe, STDOUT_BYTES_MAX));
    let stderr = in_background(child.stderr.take(), |pipe| read_tail(pipe, STDERR_TAIL_BYTES));
    let (wake, woken) = mpsc::channel();
    interrupt.wake(wake.clone());
    let waiter = thread::spawn(move || {
        let ended = wait_without_reaping(pid);
        // The parent may have given up waiting; it then ends the child itself.
        let _ = wake.send(Wake::ChildEnded);
        ended
    });

    let woken = woken.recv_timeout(limit);
    let wall = clock.elapsed();
    // Also after a natural end: nothing the child started may run beside the next cell. The group
    // cannot be somebody else's, because its leader is not reaped yet.
    let _ = kill_process_group(pid, Signal::KILL);
    waiter.join().map_err(|_| io::Error::other("the thread waiting for a child failed"))??;
    let status = child.wait()?;

    let stop = match woken {
        Ok(Wake::Interrupted) => return Ok(None),
        Err(RecvTimeoutError::Timeout) => Stop::TimedOut(limit),
        Ok(Wake::ChildEnded) | Err(RecvTimeoutError::Disconnected) => {
            match (status.code(), status.signal()) {
                (Some(code), _) => Stop::Exited(code),
                (None, signal) => Stop::Signalled(signal.unwrap_or_default()),
            }
        }
    };
    Ok(Some(ChildEnd {
        stop,
        stdout: stdout.recv_timeout(DRAIN_GRACE).unwrap_or_default(),
        stderr_tail: stderr.recv_timeout(DRAIN_GRACE).unwrap_or_default(),
        started_unix_ms: started
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
        wall_ns: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX),
    }))
}

fn wait_without_reaping(pid: Pid) -> io::Result<()> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), options))?;
    Ok(())
}

/// Reads a pipe on a thread of its own: a child must never block on a full pipe.
fn in_background<P: Read + Send + 'static>(
    pipe: Option<P>,
    read: impl FnOnce(P) -> io::Result<Vec<u8>> + Send + 'static,
) -> Receiver<String> {
    let (done, result) = mpsc::channel();
    if let Some(pipe) = pipe {
        thread::spawn(move || {
            let bytes = read(pipe).unwrap_or_default();
            // Nobody listens any more once the grace time is over.
            let _ = done.send(String::from_utf8_lossy(&bytes).into_owned());
        });
    }
    result
}

fn read_start(pipe: impl Read, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_tail(mut pipe: impl Read, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match pipe.read(&mut chunk)? {
            0 => return Ok(tail),
            n => tail.extend_from_slice(&chunk[..n]),
        }
        if tail.len() > 2 * bytes_max {
            tail.drain(..tail.len() - bytes_max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> ChildEnd {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run_child(&mut command, limit, &Interrupt::new()).unwrap().unwrap()
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn output_and_exit_code_are_kept() {
        let end = shell("echo out; echo err >&2; exit 7", LONG);
        assert_eq!((end.stop, end.stdout.as_str()), (Stop::Exited(7), "out\n"));
        assert_eq!(end.stderr_tail, "err\n");
        assert!(end.wall_ns > 0 && end.started_unix_ms > 1_600_000_000_000);
    }

    #[test]
    fn a_signal_is_told_from_an_exit() {
        assert_eq!(shell("kill -SEGV $$", LONG).stop, Stop::Signalled(11));
    }

    #[test]
    fn a_megabyte_on_both_pipes_does_not_block() {
        let end = shell("head -c 1000000 /dev/zero >&2; head -c 1000000 /dev/zero; echo", LONG);
        assert_eq!(end.stdout.len(), 1_000_001);
        assert!((STDERR_TAIL_BYTES..=2 * STDERR_TAIL_BYTES).contains(&end.stderr_tail.len()));
    }

    #[test]
    fn the_time_limit_ends_the_child_and_what_it_started() {
        let clock = Instant::now();
        let limit = Duration::from_millis(50);
        // The pipeline's parts inherit the output pipes: were they left alive, reading would hang.
        let end = shell("sleep 60 | sleep 60", limit);
        assert_eq!(end.stop, Stop::TimedOut(limit));
        assert!(clock.elapsed() < Duration::from_secs(2), "took {:?}", clock.elapsed());
    }

    #[test]
    fn a_process_left_behind_ends_with_its_parent() {
        let clock = Instant::now();
        let end = shell("sleep 60 & echo done", LONG);
        assert_eq!((end.stop, end.stdout.as_str()), (Stop::Exited(0), "done\n"));
        assert!(clock.elapsed() < Duration::from_secs(2), "took {:?}", clock.elapsed());
    }

    #[test]
    fn an_interrupt_ends_the_child_that_runs_and_starts_no_other() {
        let interrupt = Interrupt::new();
        let raised = interrupt.clone();
        let raiser = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            raised.raise();
        });
        let clock = Instant::now();
        let mut command = Command::new("sleep");
        assert_eq!(run_child(command.arg("60"), LONG, &interrupt).unwrap(), None);
        assert_eq!(run_child(&mut command, LONG, &interrupt).unwrap(), None);
        assert!(clock.elapsed() < Duration::from_secs(2), "took {:?}", clock.elapsed());
        raiser.join().unwrap();
    }

    #[test]
    fn a_program_that_does_not_exist_is_an_error() {
        let mut command = Command::new("/nowhere/gcw");
        let error = run_child(&mut command, LONG, &Interrupt::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn waiting_costs_the_parent_little() {
        // 20 children that do nothing: the loop around them must be made of their own time.
        let clock = Instant::now();
        let children: u64 = (0..20).map(|_| shell("exit 0", LONG).wall_ns).sum();
        let share = children as f64 / clock.elapsed().as_nanos() as f64;
        assert!(share > 0.5, "children's share of the wall time is only {share:.2}");
    }
}
