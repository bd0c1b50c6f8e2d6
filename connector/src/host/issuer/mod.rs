//! The issuer, seen from the host's public client.
//!
//! | file | answers |
//! |---|---|
//! | `client.rs` | where to send a browser, and what to ask the token endpoint? |
//! | `failure.rs` | why did it refuse, in words for a person? |

mod client;
mod failure;

pub(super) use client::{App, Issuer, NoGrant, SignInRequest};
pub use failure::SignInFailure;
