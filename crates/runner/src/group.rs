//! A child process and all that it starts: one process group, ended as a whole.
//!
//! The child leads a process group of its own. Ending it ends what it started, too, and Ctrl-C in
//! the terminal reaches the parent alone, which then decides.

use crate::classify::Stop;
use crate::interrupt::Wake;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Maximum bytes read from a child's standard output: a longer line is not a sample, and in a
/// dialogue the child then blocks on the pipe.
pub(crate) const STDOUT_BYTES_MAX: u64 = 256 << 20;
/// How much of the end of a child's standard error is kept for the reason.
pub(crate) const STDERR_TAIL_BYTES: usize = 8 << 10;
/// How long an output pipe may stay open after its process group is gone: only a process that has left the
/// group holds it, and a thread that reads it on a busy machine must not lose a sample.
pub(crate) const DRAIN_GRACE: Duration = Duration::from_secs(30);

/// A child that leads a group. It ends, at the latest, with this value.
#[derive(Debug)]
pub(crate) struct Group {
    /// Holds the pipes, each of which can be taken once.
    pub(crate) leader: Child,
    pid: Pid,
    waiter: Option<JoinHandle<()>>,
}

impl Group {
    /// Starts a command with pipes on both outputs. `wake` is told when it has ended: a thread waits
    /// for that *without reaping it*, so that its process id cannot be used again while the parent
    /// may still send it a signal.
    pub(crate) fn start(
        command: &mut Command,
        stdin: Stdio,
        wake: Sender<Wake>,
    ) -> io::Result<Self> {
        let command = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let leader = command.process_group(0).spawn()?;
        let pid = Pid::from_raw(leader.id().cast_signed());
        let waiter = thread::spawn(move || {
            wait_without_reaping(pid);
            // The parent may have given up waiting; it then ends the child itself.
            let _ = wake.send(Wake::ChildEnded);
        });
        Ok(Self { leader, pid, waiter: Some(waiter) })
    }

    /// Ends the remaining processes of the group, also after a natural end of its leader: nothing that the
    /// child started may run beside the next one. Gives the leader's status.
    pub(crate) fn end(&mut self) -> io::Result<ExitStatus> {
        if let Some(waiter) = self.waiter.take() {
            // The group cannot be somebody else's, because its leader is not reaped yet.
            let _ = killpg(self.pid, Signal::SIGKILL);
            waiter.join().map_err(|_| io::Error::other("the thread waiting for a child failed"))?;
        }
        self.leader.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Nobody is left who could be told that it could not be ended.
        let _ = self.end();
    }
}

/// What an exit status says.
pub(crate) fn stop_of(status: ExitStatus) -> Stop {
    match (status.code(), status.signal()) {
        (Some(code), _) => Stop::Exited(code),
        (None, signal) => Stop::Signalled(signal.unwrap_or_default()),
    }
}

/// Returns when `waitid` has an answer, which is not used: the leader's status, or the error, is that
/// of the `wait` that reaps it, and nix knows no real-time signals.
fn wait_without_reaping(pid: Pid) {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(pid), flags) == Err(Errno::EINTR) {}
}

/// Reads a pipe on a thread of its own: a child must never block on a full pipe.
pub(crate) fn in_background<P: Read + Send + 'static>(
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

/// The last bytes of a pipe, between `bytes_max` and twice that.
pub(crate) fn read_tail(mut pipe: impl Read, bytes_max: usize) -> io::Result<Vec<u8>> {
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
    use std::io::{BufRead, BufReader};

    #[test]
    fn ending_a_group_ends_all_that_it_has_started() {
        let script = "(echo begun; sleep 300; echo late) | cat";
        let (wake, _woken) = mpsc::channel();
        let mut command = Command::new("sh");
        let mut group = Group::start(command.args(["-c", script]), Stdio::null(), wake).unwrap();
        let mut stdout = BufReader::new(group.leader.stdout.take().unwrap());
        let mut said = String::new();
        stdout.read_line(&mut said).unwrap();
        assert_eq!(stop_of(group.end().unwrap()), Stop::Signalled(9));
        // The pipe ends with the last process that could write to it.
        stdout.read_to_string(&mut said).unwrap();
        assert_eq!(said, "begun\n");
    }
}
