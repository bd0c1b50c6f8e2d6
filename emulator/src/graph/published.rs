//! Every write that Microsoft publishes for these workloads: what a refusal names, and what an attempt is recorded as.

use std::sync::OnceLock;

use http::Method;

use super::path::Path;
use super::route::Owner;

/// One published write.
#[derive(Debug)]
pub(super) struct Published {
    method: &'static str,
    /// `mail`, `calendar`, `contacts`, `users`, `chats`, `teams`.
    pub(super) area: &'static str,
    /// Whether the v1.0 metadata knows the path.
    pub(super) is_v1: bool,
    place: &'static str,
    /// The rest of the path, keys as `{id}`.
    pub(super) template: &'static str,
    /// One of these; empty where they are not published.
    pub(super) scopes: Vec<&'static str>,
}

fn table() -> &'static [Published] {
    static TABLE: OnceLock<Vec<Published>> = OnceLock::new();
    TABLE.get_or_init(|| include_str!("published-writes.txt").lines().filter_map(read).collect())
}

fn read(line: &'static str) -> Option<Published> {
    if line.starts_with('#') {
        return None;
    }
    let mut words = line.split(' ');
    let (method, area, place, template) = (words.next()?, words.next()?, words.next()?, words.next()?);
    Some(Published {
        method,
        area: area.trim_end_matches('!'),
        is_v1: !area.ends_with('!'),
        place,
        template: template.trim_end_matches('-'),
        scopes: words.collect(),
    })
}

/// The published write that a request is.
pub(super) fn find(method: &Method, path: &Path<'_>) -> Option<&'static Published> {
    let (owner, rest) = path.owner();
    let (place, segments) = match owner {
        Owner::Caller => ("me", rest),
        Owner::Named(_) => ("users", rest),
        Owner::Nobody => ("/", path.segments()),
    };
    table()
        .iter()
        .filter(|row| row.method == method.as_str())
        .filter(|row| row.place == place || (row.place == "*" && place != "/"))
        .find(|row| segments.keys(row.template).is_some())
}
