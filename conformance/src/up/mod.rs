//! The whole house at once: `up`, `exec -- CMD…` and `env`.
//!
//! | file | answers |
//! |---|---|
//! | `options.rs` | what may be asked on the command line, and what this version refuses |
//! | `state.rs` | what stays on disk between runs: the CA, the vault, who is running |
//! | `house.rs` | how emulator, connector and host are started together and ended |
//! | `ready.rs` | what `--ready-json` says |
//! | `health.rs` | when everything serves |
//! | `hints.rs` | what a newcomer pastes next |
//! | `environment.rs` | which variables point a foreign program here |
//! | `child.rs` | how a command runs in a process group of its own, and ends with it |
//! | `commands.rs` | the three commands, put together from these |
//! | `failure.rs` | what can go wrong, and the exit code it becomes |

mod child;
mod commands;
mod environment;
mod failure;
mod health;
mod hints;
mod house;
mod issuer;
mod options;
mod ready;
mod state;

pub use commands::{env, exec, up};
pub use environment::{Environment, Format};
pub use failure::Failure;
pub use options::{EnvArgs, ExecArgs, HouseArgs, UpArgs};
pub use ready::{Client, Ready, Server, Tenant, User};
