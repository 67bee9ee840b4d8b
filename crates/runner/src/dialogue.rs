//! Exchanges lines with an untrusted child, which may be silent, crash, or grow.
//!
//! Threads write to its standard input and read from its standard output, so neither side can block
//! the other. While the parent waits for a line, it polls the child's resident memory twenty times a
//! second.

use crate::classify::ChildEnd;
use crate::group::{
    DRAIN_GRACE, Group, STDERR_TAIL_BYTES, STDOUT_BYTES_MAX, in_background, read_tail, stop_of,
};
use crate::interrupt::{Interrupt, Listening, Wake};
use crate::spawn::unix_ms;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Interval between polls of the child's memory.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A running child with its standard streams. Dropping the value ends the child's process group.
#[derive(Debug)]
pub struct Dialogue {
    group: Group,
    to_child: Sender<String>,
    woken: Receiver<Wake>,
    /// Signals the end of the child's standard output.
    stdout_ended: Receiver<()>,
    stderr: Receiver<String>,
    /// Sends an interrupt to `woken`.
    _listening: Listening,
    has_ended: bool,
    last_poll: Instant,
    started: SystemTime,
    clock: Instant,
}

/// An event of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It printed this line.
    Line(String),
    /// It printed nothing before the deadline.
    Silence,
    /// Its resident memory, in bytes, exceeds the maximum.
    TooLarge(u64),
    /// It ended by itself. `stdout` is empty, because its lines were returned before.
    Ended(ChildEnd),
    /// The run was asked to stop.
    Interrupted,
}

impl Dialogue {
    /// Starts a command.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn open(command: &mut Command, interrupt: &Interrupt) -> io::Result<Self> {
        let (wake, woken) = mpsc::channel();
        let (started, clock) = (SystemTime::now(), Instant::now());
        let mut group = Group::start(command, Stdio::piped(), wake.clone())?;
        let stderr =
            in_background(group.leader.stderr.take(), |pipe| read_tail(pipe, STDERR_TAIL_BYTES));
        let (to_child, lines) = mpsc::channel();
        if let Some(stdin) = group.leader.stdin.take() {
            thread::spawn(move || write_lines(stdin, &lines));
        }
        let (end_of_stdout, stdout_ended) = mpsc::channel();
        if let Some(stdout) = group.leader.stdout.take() {
            let wake = wake.clone();
            thread::spawn(move || {
                read_lines(stdout, &wake);
                // Without a receiver the dialogue was dropped before.
                let _ = end_of_stdout.send(());
            });
        }
        let _listening = interrupt.wake(wake);
        Ok(Self {
            group,
            to_child,
            woken,
            stdout_ended,
            stderr,
            _listening,
            has_ended: false,
            last_poll: clock,
            started,
            clock,
        })
    }

    /// Sends a line to the child. A child that no longer reads is no error.
    pub fn say(&self, line: &str) {
        let _ = self.to_child.send(format!("{line}\n"));
    }

    /// Waits for the next event, at most until `until`, and returns [`Heard::TooLarge`] when the child's
    /// resident memory exceeds `resident_bytes_max` (where the operating system reports it).
    ///
    /// # Errors
    /// If the end of the child cannot be waited for.
    pub fn hear(&mut self, until: Instant, resident_bytes_max: u64) -> io::Result<Heard> {
        loop {
            if let Some(bytes) = self.poll_resident().filter(|&bytes| bytes > resident_bytes_max) {
                return Ok(Heard::TooLarge(bytes));
            }
            let left = until.saturating_duration_since(Instant::now());
            let woken = if self.has_ended {
                self.woken.try_recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.woken.recv_timeout(left.min(POLL_INTERVAL))
            };
            match woken {
                Ok(Wake::Line(line)) => return Ok(Heard::Line(line)),
                Ok(Wake::Interrupted) => return Ok(Heard::Interrupted),
                Ok(Wake::ChildEnded) => {
                    // Its last lines may still be in the pipe, which closes with its process group.
                    self.group.end()?;
                    let _ = self.stdout_ended.recv_timeout(DRAIN_GRACE);
                    self.has_ended = true;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(Heard::Ended(self.ended()?)),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return Ok(Heard::Silence),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Its resident bytes, at most once per [`POLL_INTERVAL`].
    fn poll_resident(&mut self) -> Option<u64> {
        if self.has_ended || self.last_poll.elapsed() < POLL_INTERVAL {
            return None;
        }
        self.last_poll = Instant::now();
        resident_bytes(self.group.leader.id())
    }

    /// Its processor time so far; `None` where it cannot be read.
    pub fn cpu_time(&self) -> Option<Duration> {
        cpu_time(self.group.leader.id())
    }

    fn ended(&mut self) -> io::Result<ChildEnd> {
        Ok(ChildEnd {
            stop: stop_of(self.group.end()?),
            stdout: String::new(),
            stderr_tail: self.stderr.recv_timeout(DRAIN_GRACE).unwrap_or_default(),
            started_unix_ms: unix_ms(self.started),
            wall_ns: u64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(u64::MAX),
        })
    }
}

/// Writes lines until the sender or the reading end of the pipe is closed.
fn write_lines(mut stdin: ChildStdin, lines: &Receiver<String>) {
    for line in lines {
        if stdin.write_all(line.as_bytes()).is_err() {
            return;
        }
    }
}

/// Sends non-empty lines until the pipe or the receiver is closed.
fn read_lines(stdout: ChildStdout, wake: &Sender<Wake>) {
    let mut lines = BufReader::new(stdout.take(STDOUT_BYTES_MAX));
    let mut bytes = Vec::new();
    while lines.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        if !line.is_empty() && wake.send(Wake::Line(line)).is_err() {
            return;
        }
        bytes.clear();
    }
}

/// Resident bytes of a process; `None` where they cannot be read.
fn resident_bytes(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// Processor time of a process; `None` where it cannot be read. Linux counts it in hundredths of a second
/// (proc(5), fields 14 and 15).
fn cpu_time(process: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before them may contain anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11).map(str::parse::<u64>);
    Some(Duration::from_millis(10 * (times.next()?.ok()? + times.next()?.ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stop;

    const GIB: u64 = 1 << 30;

    fn shell(script: &str) -> Dialogue {
        Dialogue::open(Command::new("sh").args(["-c", script]), &Interrupt::new()).unwrap()
    }

    /// No expected line of a child takes this long.
    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    fn line(text: &str) -> Heard {
        Heard::Line(text.to_owned())
    }

    #[test]
    fn lines_go_both_ways_and_the_last_ones_arrive_before_the_end() {
        let mut child = shell("read a; echo \"got $a\"; read b; echo; echo \"$b!\"; exit 7");
        child.say("one");
        assert_eq!(child.hear(soon(), GIB).unwrap(), line("got one"));
        child.say("two");
        assert_eq!(child.hear(soon(), GIB).unwrap(), line("two!"));
        let Heard::Ended(end) = child.hear(soon(), GIB).unwrap() else { panic!("it has ended") };
        assert_eq!(end.stop, Stop::Exited(7));
    }

    #[test]
    fn silence_ends_at_its_deadline_and_the_child_with_the_value() {
        let (clock, limit) = (Instant::now(), Duration::from_millis(100));
        let mut child = shell("sleep 1000000 | sleep 1000000");
        assert_eq!(child.hear(clock + limit, GIB).unwrap(), Heard::Silence);
        assert!(clock.elapsed() >= limit);
        let process = child.group.leader.id();
        drop(child);
        assert_eq!(resident_bytes(process), None, "it still runs");
    }

    #[test]
    fn a_child_that_grows_is_noticed() {
        // The shell keeps what it reads in a variable: a hundred megabytes and more.
        let mut child =
            shell("x=$(head -c 99000000 /dev/zero | tr '\\0' x); sleep 1000000; echo $x");
        match child.hear(soon(), 90 << 20).unwrap() {
            Heard::TooLarge(bytes) => assert!(bytes > 90 << 20),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_processor_time_of_a_child_grows_while_it_computes_only() {
        let mut child = shell("while :; do :; done");
        let enough = Duration::from_millis(50);
        while child.cpu_time().unwrap() < enough {
            let soon = Instant::now() + POLL_INTERVAL;
            assert_eq!(child.hear(soon, GIB).unwrap(), Heard::Silence);
        }
        let mut asleep = shell("sleep 1000000");
        let soon = Instant::now() + 4 * enough;
        assert_eq!(asleep.hear(soon, GIB).unwrap(), Heard::Silence);
        assert!(asleep.cpu_time().unwrap() < enough);
    }

    #[test]
    fn an_interrupt_wakes_every_waiter() {
        let interrupt = Interrupt::new();
        let open = || Dialogue::open(Command::new("sleep").arg("1000000"), &interrupt).unwrap();
        let mut children = [open(), open()];
        interrupt.raise();
        let mut late = open();
        for child in children.iter_mut().chain([&mut late]) {
            assert_eq!(child.hear(soon(), GIB).unwrap(), Heard::Interrupted);
        }
    }

    #[test]
    fn a_child_that_does_not_read_is_no_error() {
        let mut child = shell("exec <&-; echo deaf; sleep 0.1; kill -SEGV $$");
        (0..100).for_each(|_| child.say(&"x".repeat(10_000)));
        assert_eq!(child.hear(soon(), GIB).unwrap(), line("deaf"));
        let Heard::Ended(end) = child.hear(soon(), GIB).unwrap() else { panic!("it has ended") };
        assert_eq!(end.stop, Stop::Signalled(11));
    }
}
