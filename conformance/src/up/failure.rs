//! What can go wrong before and around the command, and the exit code it becomes.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why `up`, `exec` or `env` could not do what was asked. Its text is for people and holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line asks for something impossible or contradictory.
    #[error("{0}")]
    Usage(String),
    /// Somebody else listens on the port.
    #[error(
        "{address} is in use (another `offline365 up`?); choose another port with --{option} localhost:PORT, 0 takes a free one"
    )]
    PortInUse {
        /// The option that would choose another.
        option: &'static str,
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The fixtures or the user's own mail do not load; the text names file, line and field.
    #[error("{0}")]
    Plan(String),
    /// The emulator, the connector or the host did not start.
    #[error("the {part} did not start: {why}")]
    Start {
        /// `emulator`, `connector` or `host`.
        part: &'static str,
        /// Its own words.
        why: String,
    },
    /// Something did not answer in time.
    #[error("{what} at {url} does not serve: {why}")]
    NotServing {
        /// Which listener.
        what: &'static str,
        /// Where it was asked.
        url: String,
        /// What happened instead.
        why: String,
    },
    /// The command after `--` could not be run.
    #[error("cannot run {command}: {source}")]
    Spawn {
        /// The command's name.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// No `up` is running as far as the state folder knows.
    #[error("nothing is running here: {} does not exist (start `offline365 up`, or name its file with --ready-json FILE)", .0.display())]
    NotRunning(PathBuf),
    /// Signals of the machine could not be listened to.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
}

impl Failure {
    /// A file's failure, for `map_err`.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::File { path: path.to_owned(), source }
    }

    /// 64 for a wrong command line, 70 for everything else: a failure of ours is never the command's success.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::PortInUse { .. }
            | Self::File { .. }
            | Self::Plan(_)
            | Self::Start { .. }
            | Self::NotServing { .. }
            | Self::Spawn { .. }
            | Self::NotRunning(_)
            | Self::Signals(_) => 70,
        }
    }
}
