//! Does a user reach what that user may see in Microsoft 365, and nothing beyond it?

mod asked_anew;
mod basic_alone;
mod colleague_item;
mod disabled_tool;
mod missing_permission;
mod never_app_only;
mod token_stays_inside;
mod unshared_mailbox;

use serde_json::Value;

use crate::bench::{Bench, Reply};
use crate::check::{Check, Finding};

/// Every check of this suite.
pub(super) const CHECKS: &[&Check] = &[
    &asked_anew::CHECK,
    &basic_alone::CHECK,
    &colleague_item::CHECK,
    &disabled_tool::CHECK,
    &missing_permission::CHECK,
    &never_app_only::CHECK,
    &token_stays_inside::CHECK,
    &unshared_mailbox::CHECK,
];

/// A refusal that helps: it names the permission, and who can bring it back.
pub(super) fn expect_names(bench: &mut Bench, refused: &Reply, permission: &str) -> Result<(), Finding> {
    let error = refused.error().cloned().unwrap_or_default();
    let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let named =
        field("permission").split(' ').any(|named| named == permission) && refused.explanation().contains(permission);
    bench.expect("the refusal names the permission", permission, &field("permission"), named)?;
    let admin = field("restoredBy") == "tenant admin";
    bench.expect("and who can bring it back", "tenant admin", &field("restoredBy"), admin)
}
