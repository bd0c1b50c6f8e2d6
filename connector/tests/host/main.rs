//! The host through its own addresses, between a stub issuer and a stub server.
#![expect(clippy::disallowed_methods, reason = "tests build their own HTTP client: a browser that keeps no cookies")]

mod beside;
mod chats;
mod connect;
mod consent;
mod gate;
mod issuer;
mod kill;
mod logs;
mod renewal;
mod scan;
mod scene;
mod server;
mod sessions;
mod sign_in;
mod tools;
mod vault;
