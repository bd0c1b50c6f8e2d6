//! The harness of offline365: checks, attacks, broken connectors, reports, and the `offline365` command.
//!
//! | module | answers |
//! |---|---|
//! | [`check`] | what is a check, and how can it end? |
//! | [`suites`] | every check there is |
//! | [`mod@bench`] | on what does a check run: world, target, people, recorder |
//! | [`package`] | how does one make a document that is wrong in one thing? |
//! | [`forge`] | how does one make a token that is wrong in one thing? |
//! | [`broken`] | our connector, wrong in one way at a time |
//! | [`arguments`] | what may a tool be asked, by its own schema? |
//! | [`history`] | what can happen, drawn at random, and what must come of it? |
//! | [`scenario`] | what is a check that is written as a file? |
//! | [`run`] | how are checks run, side by side and alone? |
//! | [`recorder`] | what happened, and what of it may leave |
//! | [`report`] | what was found |
//! | [`evidence`] | what can be taken home: a bundle that stands by itself, and how it is verified and compared |
//! | [`requirements`] | what was promised |
//! | [`command`] | `check`, `replay`, `broken`, `verify`, `diff`, `list`, `token` |
//! | [`up`] | `up`, `exec`, `env` |

//! In a Rust test, without the command: some checks against our connector, or against [`target::Target::Remote`], a profile's.
//!
//! ```
//! use conformance::check::Verdict;
//! use conformance::run::Runner;
//! use conformance::suites;
//! use conformance::target::Target;
//! use fixtures::Plan;
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let checks: Vec<_> = suites::all().filter(|check| check.id.starts_with("token-validation/aud-")).collect();
//! for outcome in Runner::new(Plan::embedded()?, 365).run(&checks, &Target::Embedded(None)).await {
//!     assert_eq!(outcome.verdict, Verdict::Pass, "{}: {:?}", outcome.check.id, outcome.reason);
//! }
//! # assert!(!checks.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod arguments;
pub mod attacks;
pub mod bench;
pub mod broken;
pub mod check;
mod client;
pub mod command;
pub mod evidence;
pub mod forge;
pub mod history;
pub mod lab;
pub mod package;
pub mod recorder;
pub mod report;
pub mod requirements;
pub mod run;
pub mod scenario;
pub mod suites;
pub mod target;
pub mod up;
