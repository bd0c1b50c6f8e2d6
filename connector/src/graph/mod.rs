//! What can be read of Microsoft Graph, and how. There is no method here that writes.

pub(crate) mod ask;
pub(crate) mod calendar;
pub(crate) mod client;
pub(crate) mod files;
pub(crate) mod mail;
pub(crate) mod request;
mod retry;
pub(crate) mod search;
pub(crate) mod teams;
