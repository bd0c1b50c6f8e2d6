//! Does what was read stay with whoever asked for it?

mod shared_chat_raw_results;

use crate::check::Check;

/// The checks of this suite that are code.
pub(super) const CHECKS: &[&Check] = &[&shared_chat_raw_results::CHECK];
