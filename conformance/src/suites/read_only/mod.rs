//! Can the connector be brought to change anything?

mod any_arguments;
mod no_trace;
mod only_reads;
mod write_scope_in_token;

use crate::check::Check;

/// Every check of this suite.
pub(super) const CHECKS: &[&Check] =
    &[&any_arguments::CHECK, &no_trace::CHECK, &only_reads::CHECK, &write_scope_in_token::CHECK];

/// What a careless tenant might have granted.
pub(super) const WRITE_SCOPES: &[&str] = &["Mail.ReadWrite", "Mail.Send", "Calendars.ReadWrite", "Files.ReadWrite.All"];

/// Whether a Graph permission allows to change something.
fn can_write(scope: &str) -> bool {
    let name = scope.rsplit('/').next().unwrap_or(scope);
    let verbs = ["ReadWrite", "Write", "Send", "Manage", "FullControl", "Create", "Delete", "Edit"];
    name == ".default" || name.split('.').any(|part| verbs.contains(&part))
}

/// Whether a tool's name has a verb of writing in it.
fn sounds_like_writing(name: &str) -> bool {
    let verbs = [
        "send", "create", "update", "delete", "write", "post", "reply", "forward", "move", "upload", "accept", "mark",
        "set",
    ];
    name.split('_').any(|word| verbs.contains(&word))
}
