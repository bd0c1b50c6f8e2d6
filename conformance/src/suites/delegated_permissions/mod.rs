//! Does a user reach what that user may see in Microsoft 365, and nothing beyond it?

mod table;

use crate::check::Check;

/// The checks of this suite that are code.
pub(super) const CHECKS: &[&Check] = &[&table::CHECK];
