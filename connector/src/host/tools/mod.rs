//! How does a person's call reach the server? With that person's token, and the answer goes back to them alone.
//!
//! | file | answers |
//! |---|---|
//! | `server.rs` | how is one call put on the wire, and what came back? |
//! | `call.rs` | what is done about a token that the server refuses? |

mod call;
mod server;

pub(super) use call::Tools;
pub(super) use server::Server;
