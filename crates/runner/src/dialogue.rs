//! A child that is spoken with, line by line, and never trusted: it may be silent, crash, or grow.
//!
//! Lines are written to its standard input and read from its standard output by threads, so neither
//! side can block the other. While the parent waits for a line, it looks at the child's resident
//! memory twenty times a second.

use crate::classify::ChildEnd;
use crate::group::{DRAIN_GRACE, Group, STDERR_TAIL_BYTES, in_background, read_tail, stop_of};
use crate::interrupt::{Interrupt, Listening, Wake};
use crate::spawn::unix_ms;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Most that is read of what a child says: whoever says more has lost his mind, and waits from then on.
const SAID_BYTES_MAX: u64 = 256 << 20;
/// How often the memory of the child is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// A running child with its standard streams. It is ended with this value, and all it has started.
#[derive(Debug)]
pub struct Dialogue {
    group: Group,
    tell: Sender<String>,
    woken: Receiver<Wake>,
    /// Says that the child's standard output has been read to its end.
    said_all: Receiver<()>,
    stderr: Receiver<String>,
    /// Tells `woken` of an interrupt.
    _listening: Listening,
    has_ended: bool,
    /// When its memory was looked at last.
    looked: Instant,
    started: SystemTime,
    clock: Instant,
}

/// What was heard of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It said this line.
    Line(String),
    /// It has said nothing up to the time given.
    Silence,
    /// It holds this many bytes of memory, which is too much.
    TooLarge(u64),
    /// It has ended by itself. What it said was heard before, so `stdout` is empty here.
    Ended(ChildEnd),
    /// The whole tool is to stop.
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
        let stderr = in_background(group.stderr(), |pipe| read_tail(pipe, STDERR_TAIL_BYTES));
        let (tell, told) = mpsc::channel();
        if let Some(stdin) = group.stdin() {
            thread::spawn(move || write_lines(stdin, &told));
        }
        let (read, said_all) = mpsc::channel();
        if let Some(stdout) = group.stdout() {
            let wake = wake.clone();
            thread::spawn(move || {
                read_lines(stdout, &wake);
                // Nobody waits for it if the child was ended before it was done.
                let _ = read.send(());
            });
        }
        let _listening = interrupt.wake(wake);
        Ok(Self {
            group,
            tell,
            woken,
            said_all,
            stderr,
            _listening,
            has_ended: false,
            looked: clock,
            started,
            clock,
        })
    }

    /// Says a line to the child. Whether it listens is known by what is heard of it.
    pub fn say(&self, line: &str) {
        let _ = self.tell.send(format!("{line}\n"));
    }

    /// Waits for what is heard next, but not longer than `until`, and not while the child holds more
    /// than `resident_bytes_max` (where the operating system tells).
    ///
    /// # Errors
    /// If the end of the child cannot be waited for.
    pub fn hear(&mut self, until: Instant, resident_bytes_max: u64) -> io::Result<Heard> {
        loop {
            if let Some(bytes) = self.look().filter(|&bytes| bytes > resident_bytes_max) {
                return Ok(Heard::TooLarge(bytes));
            }
            let left = until.saturating_duration_since(Instant::now());
            let woken = if self.has_ended {
                self.woken.try_recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.woken.recv_timeout(left.min(LOOK))
            };
            match woken {
                Ok(Wake::Said(line)) => return Ok(Heard::Line(line)),
                Ok(Wake::Interrupted) => return Ok(Heard::Interrupted),
                Ok(Wake::ChildEnded) => {
                    // Its last words may still be under way; with its group gone, they end.
                    self.group.end()?;
                    let _ = self.said_all.recv_timeout(DRAIN_GRACE);
                    self.has_ended = true;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(Heard::Ended(self.ended()?)),
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return Ok(Heard::Silence),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// What it holds, if it is time to look again.
    fn look(&mut self) -> Option<u64> {
        if self.has_ended || self.looked.elapsed() < LOOK {
            return None;
        }
        self.looked = Instant::now();
        resident_bytes(self.group.process_id())
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

/// Ends when nobody says anything any more, which closes the pipe, or when nobody reads.
fn write_lines(mut stdin: ChildStdin, told: &Receiver<String>) {
    for line in told {
        if stdin.write_all(line.as_bytes()).is_err() {
            return;
        }
    }
}

/// Ends with the pipe, or when nobody listens. Empty lines are left out.
fn read_lines(stdout: ChildStdout, wake: &Sender<Wake>) {
    let mut lines = BufReader::new(stdout.take(SAID_BYTES_MAX));
    let mut bytes = Vec::new();
    while lines.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        if !line.is_empty() && wake.send(Wake::Said(line)).is_err() {
            return;
        }
        bytes.clear();
    }
}

/// What a process holds; `None` where that cannot be read.
fn resident_bytes(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stop;

    const GIB: u64 = 1 << 30;

    fn shell(script: &str) -> Dialogue {
        Dialogue::open(Command::new("sh").args(["-c", script]), &Interrupt::new()).unwrap()
    }

    /// Nothing that a child is going to say takes this long.
    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    fn line(text: &str) -> Heard {
        Heard::Line(text.to_owned())
    }

    #[test]
    fn lines_go_both_ways_and_the_last_ones_are_heard_before_the_end() {
        let mut child = shell("read a; echo \"got $a\"; read b; echo; echo \"$b!\"; exit 7");
        child.say("one");
        assert_eq!(child.hear(soon(), GIB).unwrap(), line("got one"));
        child.say("two");
        assert_eq!(child.hear(soon(), GIB).unwrap(), line("two!"));
        let Heard::Ended(end) = child.hear(soon(), GIB).unwrap() else { panic!("it has ended") };
        assert_eq!(end.stop, Stop::Exited(7));
    }

    #[test]
    fn silence_ends_with_its_limit_and_the_child_with_the_value() {
        let (clock, limit) = (Instant::now(), Duration::from_millis(100));
        let mut child = shell("sleep 1000000 | sleep 1000000");
        assert_eq!(child.hear(clock + limit, GIB).unwrap(), Heard::Silence);
        assert!(clock.elapsed() >= limit);
        let process = child.group.process_id();
        drop(child);
        assert_eq!(resident_bytes(process), None, "it runs on");
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
    fn an_interrupt_is_heard_by_all_who_wait() {
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
    fn a_child_that_does_not_listen_is_no_error() {
        let mut child = shell("exec <&-; echo deaf; sleep 0.1; kill -SEGV $$");
        (0..100).for_each(|_| child.say(&"x".repeat(10_000)));
        assert_eq!(child.hear(soon(), GIB).unwrap(), line("deaf"));
        let Heard::Ended(end) = child.hear(soon(), GIB).unwrap() else { panic!("it has ended") };
        assert_eq!(end.stop, Stop::Signalled(11));
    }
}
