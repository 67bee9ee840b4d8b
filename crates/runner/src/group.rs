//! A child process and all that it starts: one process group, ended as a whole.
//!
//! The child leads a process group of its own, which includes the processes that it starts. Ctrl-C in
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
/// Bytes kept of the end of a child's standard error, for the reason.
pub(crate) const STDERR_TAIL_BYTES: usize = 8 << 10;
/// Maximum wait for an output pipe to close after the end of its process group: only a process that left
/// the group can hold it open, and a slow reader on a busy machine must not lose a sample.
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
    /// Starts a command with pipes on both outputs. A thread waits for its end *without reaping it*, so
    /// that its process id is not reused while the parent may still send it a signal, and then sends
    /// [`Wake::ChildEnded`] to `wake`.
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

    /// Ends the remaining processes of the group, also after a natural end of its leader: no process that
    /// the child started may run beside the next one. Returns the leader's status.
    pub(crate) fn end(&mut self) -> io::Result<ExitStatus> {
        if let Some(waiter) = self.waiter.take() {
            // Its id is not reused by another group, because its leader is not reaped yet.
            let _ = killpg(self.pid, Signal::SIGKILL);
            waiter.join().map_err(|_| io::Error::other("the thread waiting for a child failed"))?;
        }
        self.leader.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // No caller is left to handle an error.
        let _ = self.end();
    }
}

/// The end of a child with this exit status.
pub(crate) fn stop_of(status: ExitStatus) -> Stop {
    match (status.code(), status.signal()) {
        (Some(code), _) => Stop::Exited(code),
        (None, signal) => Stop::Signalled(signal.unwrap_or_default()),
    }
}

/// Returns when `waitid` does. Its result is not used: the `wait` that reaps the leader gives the status
/// or the error, and nix cannot represent real-time signals.
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
            // The receiver is gone once the grace time is over.
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
