//! A fake Entra ID and a fake Microsoft Graph v1.0, seeded from fixtures, on loopback.
//!
//! ```text
//! request ─► TLS or plain ─► login host ─► entra::*  ─► directory::decide
//!                        ├─► graph host ─► authenticate ─► permission row ─► handler(view) ─► OData shape ─► audit row
//!                        └─► lab host   ─► lab::*
//! ```

pub mod clock;
pub mod directory;
pub mod journal;
pub mod principal;
pub mod rules;
pub mod seed;
pub mod world;
