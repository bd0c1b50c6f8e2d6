//! The commands that ask, replay, break, list and mint; `up`, `exec` and `env` are next door.

mod broken;
mod bundle;
mod check;
mod fixtures;
mod list;
mod replay;
mod selection;
mod target;
mod token;
mod why;

pub use broken::{BrokenArgs, Fall, falls, naming};
pub use bundle::{DiffArgs, VerifyArgs};
pub use check::CheckArgs;
pub use fixtures::FixturesArgs;
pub use list::ListArgs;
pub use replay::ReplayArgs;
pub use target::TargetArgs;
pub use token::TokenArgs;
pub use why::WhyArgs;

pub use broken::run as broken;
pub use bundle::{diff, verify};
pub use check::run as check;
pub use fixtures::run as fixtures;
pub use list::run as list;
pub use replay::run as replay;
pub use target::run as target;
pub use token::run as token;
pub use why::run as why;

/// Why a command could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command line asks for something that is not there.
    #[error("{0}")]
    Usage(String),
    /// The profile is wrong: the target cannot be asked.
    #[error(transparent)]
    Profile(#[from] crate::target::ProfileError),
    /// A failure of ours.
    #[error("{0}")]
    Ours(String),
}

impl CommandError {
    /// 64 usage, 3 profile, 70 ours.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::Profile(_) => 3,
            Self::Ours(_) => 70,
        }
    }
}

/// The built-in fixtures.
fn plan() -> Result<::fixtures::Plan, CommandError> {
    ::fixtures::Plan::embedded().map_err(|error| CommandError::Ours(format!("fixtures: {error}")))
}

/// Writes a file, its folder made if it is not there.
fn write(path: &std::path::Path, text: &str) -> Result<(), CommandError> {
    let failed = |error: std::io::Error| CommandError::Ours(format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}
