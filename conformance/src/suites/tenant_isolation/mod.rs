//! Does anything of one company ever reach another?

mod exchange_authority;
mod non_interference;
mod random_histories;

use crate::check::Check;

/// The checks of this suite that are code.
pub(super) const CHECKS: &[&Check] = &[&exchange_authority::CHECK, &non_interference::CHECK, &random_histories::CHECK];
