//! The server through its own door: MCP over HTTP, between a stub issuer and a stub Graph.
#![expect(clippy::disallowed_methods, reason = "tests build their own HTTP client")]

mod chaos;
mod chats;
mod doors;
mod exchange;
mod files;
mod load;
mod mail;
mod memory;
mod operations;
mod program;
mod reading;
mod resources;
mod scene;
mod shapes;
mod speed;
mod stub;
mod tokens;
mod traces;
mod transport;
mod upstream;
