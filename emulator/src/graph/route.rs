//! The permission table: nothing is served without a row, and each row names its scopes and its handler.
//!
//! The scopes are those of Microsoft's permissions reference, closed upward: who may write may read. A row below an owner is written once
//! and stands for `/me/…` and `/users/{id}/…`; another's mailbox or profile asks for other scopes than one's own.

use std::cell::RefCell;
use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;

use super::answer::Answer;
use super::effect::{self, WriteRoute};
use super::error::{GraphError, Refusal};
use super::link::Links;
use super::odata::options::{Kind, Options};
use super::path::Path;
use super::prefer::Prefer;
use super::view::View;
use super::{audit, calendar, files, mail, people, search, subscriptions, teams};
use crate::journal::TenantAudit;
use crate::search::Gaps;
use crate::seed::Seed;

/// One row.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) verb: Verb,
    pub(super) under: Under,
    /// The rest of the path.
    pub(super) template: &'static str,
    /// One of these, for what is the caller's own or nobody's.
    pub(super) own: &'static [&'static str],
    /// One of these, for what is another's.
    pub(super) others: &'static [&'static str],
    pub(super) workload: Workload,
    pub(super) handler: Handler,
}

/// Reads, those that come by POST included: a view and a question in, an answer out.
pub(super) type Handler = fn(&View<'_>, &Ask<'_>) -> Result<Answer, Refusal>;

/// The method of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// `GET /me/messages/{id}`: a row below an owner, as it is for the caller's own.
fn own_operation(verb: Verb, under: Under, template: &str) -> String {
    let owner = match under {
        Under::Owner => Owner::Caller,
        Under::Root => Owner::Nobody,
    };
    format!("{} {}{template}", verb.as_str(), owner.template())
}

impl Route {
    /// `GET /me/messages/{id}`.
    pub(super) fn operation(&self) -> String {
        own_operation(self.verb, self.under, self.template)
    }
}

impl WriteRoute {
    /// `DELETE /me/messages/{id}`.
    pub(super) fn operation(&self) -> String {
        own_operation(self.verb, self.under, self.template)
    }
}

/// What a template is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Under {
    /// `/me` or `/users/{id}`.
    Owner,
    /// The service root.
    Root,
}

/// Whose words a refusal is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workload {
    Exchange,
    Directory,
    Teams,
    SharePoint,
    Search,
}

impl Workload {
    /// One of these scopes is missing.
    pub(super) fn denied(self, needed: &[&str], held: &BTreeSet<String>) -> GraphError {
        match self {
            Self::Exchange => GraphError::MailAccessDenied,
            Self::Directory => GraphError::DirectoryDenied,
            Self::Search => GraphError::Forbidden(search_denied("the requested entities", needed, held)),
            Self::Teams => {
                let held = held.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                let needed = needed.join(", ");
                GraphError::Forbidden(format!(
                    "Missing scope permissions on the request. API requires one of '{needed}'. Scopes on the request '{held}'"
                ))
            }
            Self::SharePoint => GraphError::DriveDenied,
        }
    }

    /// `error.code` of 429.
    pub(super) const fn throttled(self) -> &'static str {
        match self {
            Self::Exchange => "ApplicationThrottled",
            Self::Directory => "Request_ThrottledTemporarily",
            Self::Teams | Self::Search => "TooManyRequests",
            Self::SharePoint => "activityLimitReached",
        }
    }
}

/// What `/search/query` says of scopes that are missing.
pub(super) fn search_denied(entity: &str, needed: &[&str], held: &BTreeSet<String>) -> String {
    let (needed, held) = (needed.join(", "), held.iter().map(String::as_str).collect::<Vec<_>>().join(", "));
    format!(
        "Access to {entity} in Graph API requires the following permissions: {needed}. However, the application only has the following permissions granted: {held}"
    )
}

/// Whose thing a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    /// The path names nobody.
    Nobody,
    /// `/me`.
    Caller,
    /// `/users/{id}`, by object id or `userPrincipalName`.
    Named(String),
}

impl Owner {
    /// The beginning of the operation in audit rows.
    pub(super) const fn template(&self) -> &'static str {
        match self {
            Self::Nobody => "",
            Self::Caller => "/me",
            Self::Named(_) => "/users/{id}",
        }
    }
}

/// What a handler is asked.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) owner: Owner,
    /// The keys of the path after the owner's.
    pub(super) keys: Vec<String>,
    pub(super) options: Options,
    pub(super) prefer: Prefer,
    pub(super) headers: &'a HeaderMap,
    /// The body as sent; empty for a GET.
    pub(super) body: &'a Bytes,
    /// Service root, for example `https://localhost:8444/v1.0`.
    pub(super) root: String,
    /// Origin of the host that serves bytes without a token.
    pub(super) content: &'a str,
    /// The path as sent, after the service root.
    pub(super) path: &'a str,
    pub(super) now: Timestamp,
    /// Names for what comes into being.
    pub(super) seed: &'a Seed,
    /// The audit log of the caller's tenant.
    pub(super) audit: TenantAudit<'a>,
    pub(super) links: &'a Links,
    /// What the search index does not have.
    pub(super) gaps: &'a Gaps,
    /// What was asked that is not modelled.
    pub(super) unmodelled: RefCell<Vec<String>>,
}

impl Ask<'_> {
    /// A key of the path.
    pub(super) fn key(&self, at: usize) -> &str {
        self.keys.get(at).map_or("", String::as_str)
    }

    /// Counts something that is not modelled.
    pub(super) fn unmodelled(&self, what: impl Into<String>) {
        self.unmodelled.borrow_mut().push(what.into());
    }

    /// Refuses options that this route does not take.
    pub(super) fn only(&self, allowed: &[Kind]) -> Result<(), GraphError> {
        if let Some(unknown) = self.options.unknown.first() {
            self.unmodelled(format!("option {unknown}"));
            return Err(GraphError::BadRequest(format!("The query parameter '{unknown}' is not supported.")));
        }
        if let Some(beyond) = self.options.beyond(allowed) {
            let option = beyond.as_str();
            self.unmodelled(format!("{option} here"));
            return Err(GraphError::BadRequest(format!("The query parameter '{option}' is not supported.")));
        }
        Ok(())
    }

    /// The next page, by `$skip` or `$skiptoken`.
    pub(super) fn next(&self, kind: Kind, value: &str) -> String {
        format!("{}{}?{}", self.root, self.path, self.options.with(kind, value))
    }

    /// What a `$skiptoken` is bound to, beside the caller: the path and every option but itself.
    pub(super) fn bound_query(&self) -> String {
        format!("{}?{}", self.path.to_ascii_lowercase(), self.options.with(Kind::SkipToken, ""))
    }
}

/// All rows.
pub(super) fn rows() -> impl Iterator<Item = &'static Route> {
    let others = [
        mail::ROUTES,
        calendar::ROUTES,
        people::ROUTES,
        audit::ROUTES,
        teams::ROUTES,
        search::ROUTES,
        subscriptions::ROUTES,
    ];
    others.into_iter().chain(files::ROUTES.iter().copied()).flatten()
}

/// What a path and a method lead to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row {
    Read(&'static Route),
    Write(&'static WriteRoute),
}

impl Row {
    pub(super) const fn template(self) -> &'static str {
        match self {
            Self::Read(row) => row.template,
            Self::Write(row) => row.template,
        }
    }

    pub(super) const fn workload(self) -> Workload {
        match self {
            Self::Read(row) => row.workload,
            Self::Write(row) => row.workload,
        }
    }

    /// The scopes of which one is needed.
    pub(super) const fn needed(self, is_own: bool) -> &'static [&'static str] {
        match (self, is_own) {
            (Self::Read(row), true) => row.own,
            (Self::Read(row), false) => row.others,
            (Self::Write(row), true) => row.own,
            (Self::Write(row), false) => row.others,
        }
    }

    pub(super) const fn is_write(self) -> bool {
        matches!(self, Self::Write(_))
    }
}

/// The first row that fits.
pub(super) fn find(method: &Method, path: &Path<'_>) -> Option<(Row, Owner, Vec<String>)> {
    let (owner, rest) = path.owner();
    let reads = rows().map(|row| (row.verb, row.under, row.template, Row::Read(row)));
    let writes = effect::rows().map(|row| (row.verb, row.under, row.template, Row::Write(row)));
    for (verb, under, template, row) in reads.chain(writes) {
        if verb.as_str() != method.as_str() {
            continue;
        }
        let keys = match (under, &owner) {
            (Under::Owner, Owner::Nobody) => None,
            (Under::Owner, _) => rest.keys(template),
            (Under::Root, _) => path.segments().keys(template),
        };
        if let Some(keys) = keys {
            let owner = if under == Under::Root { Owner::Nobody } else { owner };
            return Some((row, owner, keys));
        }
    }
    None
}

/// `GET /users/{id}/messages/{id}`: how audit rows name the operation.
pub(super) fn operation(method: &Method, owner: &Owner, template: &str) -> String {
    format!("{method} {}{template}", owner.template())
}
