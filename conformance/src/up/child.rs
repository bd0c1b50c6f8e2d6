//! How a command runs in a process group of its own, hears our signals, and leaves nothing behind.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};
use rustix::process::{kill_process, kill_process_group, set_child_subreaper, test_kill_process_group, wait, waitpgid};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use super::environment::Environment;
use super::failure::Failure;

/// How long the rest of the group may take to end after TERM before it gets KILL.
const GRACE: Duration = Duration::from_secs(3);

/// INT, TERM and HUP as they arrive: the signals that mean "end".
pub(super) struct Ending {
    interrupt: Stream,
    terminate: Stream,
    hang_up: Stream,
}

impl Ending {
    /// Listens from now on; before this, the signals end the process at once.
    pub(super) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(Failure::Signals);
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
            _ = self.hang_up.recv() => Signal::HUP,
        }
    }
}

/// Runs the command to its end in a group of its own and returns its status as a shell would: 128 + n for signal n.
/// Signals that `ending` hears go to the whole group. Whatever of the group outlives the command is ended.
pub(super) async fn run(command: &[OsString], environment: &Environment, ending: &mut Ending) -> Result<u8, Failure> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| Failure::Usage("exec needs a command after --".to_owned()))?;
    // What the command's own children leave behind becomes ours, so that it can be ended and its exit collected.
    let _ = set_child_subreaper(Some(rustix::process::getpid()));
    let mut child = Command::new(program)
        .args(arguments)
        .envs(environment.iter())
        .process_group(0)
        .spawn()
        .map_err(|source| Failure::Spawn { command: program.to_string_lossy().into_owned(), source })?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(group) = group {
        hand_over_terminal(group);
    }
    let status = ended(&mut child, group, ending).await;
    if let Some(group) = group {
        end(group).await;
    }
    end_strays().await;
    let status = status.map_err(|source| Failure::Spawn { command: program.to_string_lossy().into_owned(), source })?;
    Ok(code(status))
}

async fn ended(child: &mut Child, group: Option<Pid>, ending: &mut Ending) -> std::io::Result<ExitStatus> {
    loop {
        tokio::select! {
            status = child.wait() => return status,
            signal = ending.next() => {
                if let Some(group) = group {
                    // Gone already: then `wait` is about to say so.
                    let _ = kill_process_group(group, signal);
                }
            }
        }
    }
}

/// The group in the foreground reads the keyboard and hears Ctrl-C; without this, a command that asks a question would be stopped.
fn hand_over_terminal(group: Pid) {
    let Ok(terminal) = File::open("/dev/tty") else { return };
    let ours = rustix::process::getpgrp();
    if rustix::termios::tcgetpgrp(&terminal) == Ok(ours) && rustix::termios::tcsetpgrp(&terminal, group).is_ok() {
        // It may have read before the terminal was its own, and been stopped for it.
        let _ = kill_process_group(group, Signal::CONT);
    }
}

/// Ends what is left of a group: TERM, a while to comply, KILL.
async fn end(group: Pid) {
    if kill_process_group(group, Signal::TERM).is_err() {
        return;
    }
    // A stopped process would never hear TERM.
    let _ = kill_process_group(group, Signal::CONT);
    let gone = async {
        loop {
            while collected(waitpgid(group, WaitOptions::NOHANG)) {}
            if test_kill_process_group(group).is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(GRACE, gone).await.is_err() {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Ends what left the group with a session of its own (`setsid`, daemons): as orphans they are children of ours now.
async fn end_strays() {
    for signal in [Signal::TERM, Signal::KILL] {
        let strays = strays();
        if strays.is_empty() {
            return;
        }
        for stray in strays {
            let _ = kill_process(stray, signal);
        }
        let gone = async {
            loop {
                while collected(wait(WaitOptions::NOHANG)) {}
                if self::strays().is_empty() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(GRACE, gone).await;
    }
}

/// Whether a wait collected somebody, so that there may be more.
fn collected<T>(waited: rustix::io::Result<Option<(T, WaitStatus)>>) -> bool {
    matches!(waited, Ok(Some(_)))
}

/// Our children, as Linux lists them per thread; the command itself is collected before this is asked.
fn strays() -> Vec<Pid> {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)).collect::<Vec<_>>())
        .collect()
}

/// What a shell would make of it.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    // Neither exited nor signalled does not happen after `wait`; it would be a failure of ours.
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(70)
}
