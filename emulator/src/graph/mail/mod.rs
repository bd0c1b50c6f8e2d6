//! Mail: folders, messages, attachments.

mod attachments;
mod folders;
mod found;
mod messages;
mod parse;
mod send;
mod shape;
mod translate;
mod write;
mod write_folders;

use super::effect::{WriteRoute, Writer};
use super::error::GraphError;
use super::odata::record::Unfit;
use super::route::{Ask, Route, Under, Verb, Workload};
pub(super) use messages::{encoded, selection};

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

/// Translates ids.
const IDS: &[&str] = &["User.ReadBasic.All", "User.Read", "User.Read.All", "User.ReadWrite", "User.ReadWrite.All"];

const fn asked(template: &'static str, handler: super::route::Handler) -> Route {
    Route { verb: Verb::Post, own: IDS, others: IDS, ..basic(template, handler) }
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
    asked("/translateExchangeIds", translate::translate),
    asked("/microsoft.graph.translateExchangeIds", translate::translate),
];

/// Changes mail.
const WRITE: &[&str] = &["Mail.ReadWrite"];
const WRITE_SHARED: &[&str] = &["Mail.ReadWrite.Shared"];
/// Sends it.
const SEND: &[&str] = &["Mail.Send"];
const SEND_SHARED: &[&str] = &["Mail.Send.Shared"];

const fn write(verb: Verb, template: &'static str, at: usize, handler: Writer) -> WriteRoute {
    let (under, workload) = (Under::Owner, Workload::Exchange);
    WriteRoute { verb, under, template, own: WRITE, others: WRITE_SHARED, workload, at, handler }
}

const fn send(template: &'static str, at: usize, handler: Writer) -> WriteRoute {
    WriteRoute { own: SEND, others: SEND_SHARED, ..write(Verb::Post, template, at, handler) }
}

/// The rows that change mail.
pub(super) const WRITES: &[WriteRoute] = &[
    send("/sendMail", 0, send::send_mail),
    write(Verb::Post, "/messages", 0, write::create),
    write(Verb::Patch, "/messages/{id}", 0, write::update),
    write(Verb::Delete, "/messages/{id}", 0, write::delete),
    write(Verb::Post, "/messages/{id}/move", 0, write::relocate),
    write(Verb::Post, "/messages/{id}/copy", 0, write::copy),
    write(Verb::Post, "/messages/{id}/permanentDelete", 0, write::remove),
    write(Verb::Post, "/messages/{id}/createReply", 0, send::create_reply),
    write(Verb::Post, "/messages/{id}/createReplyAll", 0, send::create_reply_all),
    write(Verb::Post, "/messages/{id}/createForward", 0, send::create_forward),
    send("/messages/{id}/reply", 0, send::reply),
    send("/messages/{id}/replyAll", 0, send::reply_all),
    send("/messages/{id}/forward", 0, send::forward),
    send("/messages/{id}/send", 0, send::send),
    write(Verb::Post, "/messages/{id}/attachments", 0, write::attach),
    write(Verb::Delete, "/messages/{id}/attachments/{id}", 0, write::detach),
    write(Verb::Post, "/mailFolders", 0, write_folders::create),
    write(Verb::Patch, "/mailFolders/{id}", 0, write_folders::rename),
    write(Verb::Delete, "/mailFolders/{id}", 0, write_folders::delete),
    write(Verb::Post, "/mailFolders/{id}/move", 0, write_folders::relocate),
    write(Verb::Post, "/mailFolders/{id}/childFolders", 0, write_folders::create_child),
    write(Verb::Post, "/mailFolders/{id}/messages", 0, write::create_in_folder),
    write(Verb::Patch, "/mailFolders/{id}/messages/{id}", 1, write::update),
    write(Verb::Delete, "/mailFolders/{id}/messages/{id}", 1, write::delete),
    write(Verb::Post, "/mailFolders/{id}/messages/{id}/move", 1, write::relocate),
    write(Verb::Post, "/mailFolders/{id}/messages/{id}/copy", 1, write::copy),
    write(Verb::Post, "/mailFolders/{id}/messages/{id}/permanentDelete", 1, write::remove),
    write(Verb::Post, "/mailFolders/{id}/messages/{id}/createReply", 1, send::create_reply),
    write(Verb::Post, "/mailFolders/{id}/messages/{id}/createReplyAll", 1, send::create_reply_all),
    write(Verb::Post, "/mailFolders/{id}/messages/{id}/createForward", 1, send::create_forward),
    send("/mailFolders/{id}/messages/{id}/reply", 1, send::reply),
    send("/mailFolders/{id}/messages/{id}/replyAll", 1, send::reply_all),
    send("/mailFolders/{id}/messages/{id}/forward", 1, send::forward),
    write(Verb::Post, "/mailFolders/{id}/messages/{id}/attachments", 1, write::attach),
    write(Verb::Delete, "/mailFolders/{id}/messages/{id}/attachments/{id}", 1, write::detach),
];

pub(in crate::graph) use parse::correspondent;

/// The largest page of messages, and the most that one search finds.
const LIMIT: usize = 1000;
const PAGE: usize = 10;

/// `$top`, or what is preferred, or the default.
pub(in crate::graph) fn page_size(ask: &Ask<'_>) -> Result<usize, GraphError> {
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
pub(in crate::graph) fn check_id(id: &str) -> Result<(), GraphError> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    let is_possible = id.len() >= 40 && (URL_SAFE.decode(id).is_ok() || STANDARD.decode(id).is_ok());
    if is_possible { Ok(()) } else { Err(GraphError::IdMalformed) }
}

pub(in crate::graph) fn no_property(name: &str, of: &str) -> GraphError {
    GraphError::ParseUri(format!("Could not find a property named '{name}' on type 'Microsoft.OutlookServices.{of}'."))
}

pub(in crate::graph) fn unfit(ask: &Ask<'_>, unfit: Unfit, of: &str) -> GraphError {
    match unfit {
        Unfit::Unknown(name) => no_property(&name, of),
        Unfit::Type(name) => {
            ask.unmodelled(format!("$filter or $orderby of this kind on {name}"));
            GraphError::FilterNode
        }
    }
}
