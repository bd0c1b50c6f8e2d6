//! How does a person's call reach the server? With that person's token, and the answer goes back to them alone.
//!
//! | file | answers |
//! |---|---|
//! | `call.rs` | what is done about a token that the server refuses? |

mod call;

pub(super) use call::Tools;
