//! Mail: folders, messages, attachments.

mod attachments;
mod folders;
mod messages;
mod shape;

use super::error::GraphError;
use super::odata::record::Unfit;
use super::route::{Ask, Route, Under, Verb, Workload};
pub(super) use messages::selection;

/// Reads everything but bodies and attachments.
const BASIC: &[&str] = &["Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"];
const BASIC_SHARED: &[&str] = &["Mail.ReadBasic.Shared", "Mail.Read.Shared", "Mail.ReadWrite.Shared"];
/// Reads all of it.
const FULL: &[&str] = &["Mail.Read", "Mail.ReadWrite"];
const FULL_SHARED: &[&str] = &["Mail.Read.Shared", "Mail.ReadWrite.Shared"];

const fn basic(template: &'static str, handler: super::route::Handler) -> Route {
    Route {
        verb: Verb::Get,
        under: Under::Owner,
        template,
        own: BASIC,
        others: BASIC_SHARED,
        workload: Workload::Exchange,
        handler,
    }
}

const fn full(template: &'static str, handler: super::route::Handler) -> Route {
    Route {
        verb: Verb::Get,
        under: Under::Owner,
        template,
        own: FULL,
        others: FULL_SHARED,
        workload: Workload::Exchange,
        handler,
    }
}

/// The rows. `…/$value` of a message asks for more than the published table, which lists `Mail.ReadBasic` for it: that scope hides bodies,
/// and the MIME form is one.
pub(super) const ROUTES: &[Route] = &[
    basic("/messages", messages::list),
    basic("/messages/{id}", messages::read),
    full("/messages/{id}/$value", messages::mime),
    full("/messages/{id}/attachments", attachments::list),
    full("/messages/{id}/attachments/{id}", attachments::read),
    full("/messages/{id}/attachments/{id}/$value", attachments::value),
    basic("/mailFolders", folders::list),
    basic("/mailFolders/{id}", folders::read),
    basic("/mailFolders/{id}/childFolders", folders::children),
    basic("/mailFolders/{id}/childFolders/{id}", folders::child),
    basic("/mailFolders/{id}/messages", messages::list_in_folder),
    basic("/mailFolders/{id}/childFolders/{id}/messages", messages::list_in_child),
    basic("/mailFolders/{id}/messages/{id}", messages::read_in_folder),
    full("/mailFolders/{id}/messages/{id}/$value", messages::mime_in_folder),
    full("/mailFolders/{id}/messages/{id}/attachments", attachments::list_in_folder),
    full("/mailFolders/{id}/messages/{id}/attachments/{id}", attachments::read_in_folder),
    full("/mailFolders/{id}/messages/{id}/attachments/{id}/$value", attachments::value_in_folder),
];

/// The largest page of messages, and the most that one search finds.
const LIMIT: usize = 1000;
const PAGE: usize = 10;

/// `$top`, or what is preferred, or the default.
fn page_size(ask: &Ask<'_>) -> Result<usize, GraphError> {
    match ask.options.top {
        Some(0) => Err(GraphError::BadRequest(
            "Invalid value '0' for $top query option found. The $top query option requires a positive integer value."
                .to_owned(),
        )),
        Some(top) if top > LIMIT => Err(GraphError::BadRequest(format!(
            "The limit of '{LIMIT}' for Top query has been exceeded. The value from the incoming request is '{top}'."
        ))),
        Some(top) => Ok(top),
        None => Ok(ask.prefer.page_size.unwrap_or(PAGE).clamp(1, LIMIT)),
    }
}

/// An id that could be one: `ErrorInvalidIdMalformed` says more than `ErrorItemNotFound` only about what no mailbox could have made.
fn check_id(id: &str) -> Result<(), GraphError> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    let is_possible = id.len() >= 40 && (URL_SAFE.decode(id).is_ok() || STANDARD.decode(id).is_ok());
    if is_possible { Ok(()) } else { Err(GraphError::IdMalformed) }
}

fn no_property(name: &str, of: &str) -> GraphError {
    GraphError::ParseUri(format!("Could not find a property named '{name}' on type 'Microsoft.OutlookServices.{of}'."))
}

fn unfit(ask: &Ask<'_>, unfit: Unfit, of: &str) -> GraphError {
    match unfit {
        Unfit::Unknown(name) => no_property(&name, of),
        Unfit::Type(name) => {
            ask.unmodelled(format!("$filter or $orderby of this kind on {name}"));
            GraphError::FilterNode
        }
    }
}
