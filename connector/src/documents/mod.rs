//! What stands in a file? Bytes go in, structure comes out: headings, lists, tables, sheets, slides.
//!
//! Files come from strangers, and a parser may abort, loop or ask for all memory there is. So none runs here: every file is read
//! by a [`worker`], a process that reads one file under limits and ends. The connector itself keeps the [`model`] that comes back for
//! as long as one answer takes.

mod config;
pub mod extract;
pub mod format;
pub mod model;
pub mod render;

pub mod worker;

pub use config::DocumentsConfig;
pub use format::Format;
pub use model::Extracted;
pub use worker::{ExtractError, Extractor, Job, Limits, Program, Workers, read};
