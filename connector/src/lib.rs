//! A read-only Microsoft 365 connector: an MCP server and the assistant's back end around it.

pub mod clock;
pub mod host;
