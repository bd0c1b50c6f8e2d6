//! Does anything of one company ever reach another?

mod concurrent_canaries;
mod exchange_authority;
mod foreign_cursor;
mod foreign_id_read;
mod forged_tenant;
mod same_object_id;
mod unlisted_tenant;

use crate::check::Check;

/// Every check of this suite.
pub(super) const CHECKS: &[&Check] = &[
    &concurrent_canaries::CHECK,
    &exchange_authority::CHECK,
    &foreign_cursor::CHECK,
    &foreign_id_read::CHECK,
    &forged_tenant::CHECK,
    &same_object_id::CHECK,
    &unlisted_tenant::CHECK,
];

/// An address of the same form that never named anything.
pub(super) fn nowhere(uri: &str) -> String {
    altered(uri)
}

/// The same text with three letters in its middle changed.
fn altered(text: &str) -> String {
    let middle = text.len() / 2;
    let change = |(index, c): (usize, char)| match c {
        _ if index < middle || index > middle + 2 => c,
        'A' => 'B',
        c if c.is_ascii_alphanumeric() => 'A',
        c => c,
    };
    text.char_indices().map(change).collect()
}
