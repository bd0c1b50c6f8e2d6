//! What can be taken home: a bundle of files that stands by itself. Made from records, in memory, searched for secrets, then written.
//!
//! | module | answers |
//! |---|---|
//! | `scene` | what is one scenario's evidence, and what is its verdict worth? |
//! | `negative` | what did not happen? |
//! | `weakness` | what do others call it when it fails? |
//! | `sequence` | who spoke to whom, as a picture? |
//! | `page`, `summary`, `finding` | what does a person read? |
//! | `har`, `sarif`, `junit` | what do other programs read? |
//! | `bundle` | which files are there, and are they clean? |
//! | [`live`] | what can be sent once more while the world is up? No part of a bundle |
//! | [`mod@verify`] | is a bundle what was produced? |
//! | [`mod@diff`] | are two runs the same? |

mod bundle;
mod curl;
pub mod diff;
mod finding;
pub mod har;
mod junit;
pub mod live;
mod negative;
mod page;
mod sarif;
mod scene;
mod sequence;
mod summary;
pub mod verify;
mod weakness;

#[cfg(test)]
mod tests;

pub(crate) use bundle::sha256;
pub use bundle::{Bundle, BundleError, Described, Environment};
pub use negative::{Hit, Negative, Outbound, Place};
pub use scene::{Assertion, AttackOf, Change, Control, FaultRun, Judgement, Refused, Scene, schemas};
pub use weakness::Weakness;
