//! A read-only Microsoft 365 connector: an MCP server and the assistant's back end around it.
//!
//! | module | answers |
//! |---|---|
//! | [`policy`] | every question of trust |
//! | [`server`] | how a request comes in: bearer checks, metadata, MCP |
//! | `entra` | which keys sign; which token does Graph get? |
//! | `graph` | what can be read of Graph at all |
//! | `tools` | what a model can call |
//! | [`documents`] | what stands in a file |
//! | [`resource_uri`] | how a mail, folder or attachment is named |
//! | [`host`] | the assistant's back end |
//! | `oauth`, `mcp_client` | the public client of both that the host and [`sign_in`] are |
//! | [`sign_in`] | a person at a terminal tries a server that was deployed |

mod answer;
pub mod audit;
pub mod caller;
pub mod clock;
pub mod config;
#[cfg(feature = "broken")]
pub mod danger;
pub mod documents;
mod entra;
mod entropy;
mod graph;
pub mod host;
mod limits;
mod mcp_client;
mod metrics;
mod oauth;
pub mod policy;
pub mod refusal;
pub mod resource_uri;
pub mod server;
pub mod sign_in;
mod start;
mod tools;
pub mod transport;

pub use config::Config;
pub use entra::keys::{KeySource, KeysUnavailable};
pub use server::listen::IdentityError;
pub use start::{Connector, Parts, Running, StartError};
