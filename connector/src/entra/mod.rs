//! The issuer, as this server meets it: its signing keys, and the exchange of a caller's token for one to Graph.

pub(crate) mod challenge;
pub(crate) mod credential;
pub(crate) mod keys;
pub(crate) mod obo;
