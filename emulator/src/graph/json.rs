//! JSON written straight into a buffer: what is listed often is not built as a tree first.

use jiff::Timestamp;

use crate::mailbox::Correspondent;

/// A string with its quotes.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    // Writing into a vector does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// A string, or `null`.
pub(super) fn optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

pub(super) fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

pub(super) fn number(out: &mut Vec<u8>, value: usize) {
    out.extend_from_slice(value.to_string().as_bytes());
}

/// `2026-01-08T14:12:06Z`: whole seconds, as Exchange has them.
pub(super) fn time(out: &mut Vec<u8>, at: Timestamp) {
    string(out, &at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
}

/// `2026-01-08T14:12:06.25Z`: milliseconds as far as there are any, as Teams has them.
pub(super) fn fine_time(out: &mut Vec<u8>, at: Timestamp) {
    let millis = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
    string(out, &millis.to_string());
}

/// `"name":` with a comma before it, unless it is the first of its object.
pub(super) fn key(out: &mut Vec<u8>, name: &str) {
    if !matches!(out.last(), Some(b'{') | None) {
        out.push(b',');
    }
    string(out, name);
    out.push(b':');
}

/// Items in brackets.
pub(super) fn array<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// A `recipient`.
pub(super) fn recipient(out: &mut Vec<u8>, person: &Correspondent) {
    out.extend_from_slice(b"{\"emailAddress\":{\"name\":");
    string(out, &person.name);
    out.extend_from_slice(b",\"address\":");
    string(out, &person.address);
    out.extend_from_slice(b"}}");
}
