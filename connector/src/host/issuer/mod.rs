//! The issuer, seen from the host's public client.
//!
//! | file | answers |
//! |---|---|
//! | `client.rs` | where to send a browser, and what to ask the token endpoint? |
//! | `wire.rs` | what does the issuer say on the wire? |
//! | `failure.rs` | why did it refuse, in words for a person? |

mod client;
mod failure;
mod wire;

pub(super) use client::{App, Grant, Issuer, NoGrant, SignInRequest};
pub use failure::SignInFailure;
