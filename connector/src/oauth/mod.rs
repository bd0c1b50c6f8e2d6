//! The OAuth public client: the authorization code flow with PKCE, as far as it is the same at every authorization server.
//! The host speaks it to the Entra that its configuration names; [`crate::sign_in`] to the one that an MCP server names.
//!
//! | file | answers |
//! |---|---|
//! | `discovery.rs` | which authorization server does an MCP server name, and where are its endpoints? |
//! | `pkce.rs` | how is a code made useless to whoever steals it? |
//! | `redirect.rs` | where is the browser sent, and is what it brings back an answer to that? |
//! | `token.rs` | what does the token endpoint say? |

mod discovery;
mod pkce;
mod redirect;
mod token;

pub use discovery::Unfound;
pub(crate) use discovery::{Asking, AuthorizationServer, discover};
pub(crate) use pkce::Verifier;
pub(crate) use redirect::{Response, Unanswered, authorization_url, issuer_answers};
pub(crate) use token::{Grant, NoTokens, Refused, ask};
