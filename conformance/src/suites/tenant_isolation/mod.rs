//! Does anything of one company ever reach another?

mod exchange_authority;

use crate::check::Check;

/// The checks of this suite that are code.
pub(super) const CHECKS: &[&Check] = &[&exchange_authority::CHECK];
