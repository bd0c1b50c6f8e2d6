//! Does the assistant's back end keep people, organizations and what they were told apart?

mod disconnect;
mod foreign_account;
mod forged_request;
mod renewal;
mod session_over;
mod switched_tool;

use crate::check::Check;

/// The checks of this suite.
pub(super) const CHECKS: &[&Check] = &[
    &disconnect::CHECK,
    &foreign_account::CHECK,
    &forged_request::CHECK,
    &renewal::CHECK,
    &session_over::CHECK,
    &switched_tool::CHECK,
];
