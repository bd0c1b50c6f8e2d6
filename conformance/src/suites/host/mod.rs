//! Does the assistant's back end keep people, organizations and what they were told apart?

mod disconnect;
mod foreign_account;
mod forged_request;
mod organization_switch;
mod other_browser;
mod renewal;
mod shared_results;
mod switched_tool;

use crate::check::Check;

/// The checks of this suite.
pub(super) const CHECKS: &[&Check] = &[
    &disconnect::CHECK,
    &foreign_account::CHECK,
    &forged_request::CHECK,
    &organization_switch::CHECK,
    &other_browser::CHECK,
    &renewal::CHECK,
    &shared_results::CHECK,
    &switched_tool::CHECK,
];
