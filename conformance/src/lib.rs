//! The harness of offline365: checks, attacks, broken connectors, reports, and the `offline365` command.
//!
//! | module | answers |
//! |---|---|
//! | [`check`] | what is a check, and how can it end? |
//! | [`suites`] | every check there is |
//! | [`mod@bench`] | on what does a check run: world, target, people, recorder |
//! | [`forge`] | how does one make a token that is wrong in one thing? |
//! | [`broken`] | our connector, wrong in one way at a time |
//! | [`scenario`] | what is a check that is written as a file? |
//! | [`run`] | how are checks run, side by side and alone? |
//! | [`recorder`] | what happened, and what of it may leave |
//! | [`report`] | what was found |
//! | [`evidence`] | what can be taken home: a bundle that stands by itself, and how it is verified and compared |
//! | [`requirements`] | what was promised |
//! | [`command`] | `check`, `replay`, `broken`, `verify`, `diff`, `list`, `token` |
//! | [`up`] | `up`, `exec`, `env` |

pub mod bench;
pub mod broken;
pub mod check;
mod client;
pub mod command;
pub mod evidence;
pub mod forge;
pub mod lab;
pub mod recorder;
pub mod report;
pub mod requirements;
pub mod run;
pub mod scenario;
pub mod suites;
pub mod target;
pub mod up;
