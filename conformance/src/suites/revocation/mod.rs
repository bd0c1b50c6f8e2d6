//! Does a revocation act at the declared bound, on what was revoked and nothing else, and can it be undone?

mod disabled_user;
mod everything;
mod mail_read;
mod new_sign_in;

use crate::check::Check;

/// Every check of this suite.
pub(super) const CHECKS: &[&Check] =
    &[&disabled_user::CHECK, &everything::CHECK, &mail_read::CHECK, &new_sign_in::CHECK];
