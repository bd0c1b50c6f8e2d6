//! What is asked that no row serves: writes, workloads that are not here, segments that are nowhere.
//!
//! Every write of the real API answers as the real one does without the scope, and is written down as an attempt.

use http::Method;

use super::dispatch::missing;
use super::error::{GraphError, Refusal};
use super::path::Path;
use super::published::{self, Published};
use super::route::{Owner, Workload};
use super::view::View;

/// An answer to what no row serves.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) operation: String,
    pub(super) is_write: bool,
    pub(super) refusal: Refusal,
    pub(super) unmodelled: Vec<String>,
}

/// Which part of the real service a segment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Mail,
    SendMail,
    Calendar,
    Contacts,
    MailboxSettings,
    Files,
    Teams,
    Directory,
}

/// Segments below `/me` and `/users/{id}`.
const OWNED: &[(&str, Part)] = &[
    ("messages", Part::Mail),
    ("mailFolders", Part::Mail),
    ("inferenceClassification", Part::Mail),
    ("outlook", Part::Mail),
    ("getMailTips", Part::Mail),
    ("sendMail", Part::SendMail),
    ("calendar", Part::Calendar),
    ("calendars", Part::Calendar),
    ("calendarGroups", Part::Calendar),
    ("calendarView", Part::Calendar),
    ("events", Part::Calendar),
    ("findMeetingTimes", Part::Calendar),
    ("reminderView", Part::Calendar),
    ("contacts", Part::Contacts),
    ("contactFolders", Part::Contacts),
    ("mailboxSettings", Part::MailboxSettings),
    ("drive", Part::Files),
    ("drives", Part::Files),
    ("followedSites", Part::Files),
    ("insights", Part::Files),
    ("chats", Part::Teams),
    ("joinedTeams", Part::Teams),
    ("teamwork", Part::Teams),
    ("onlineMeetings", Part::Teams),
    ("presence", Part::Teams),
    ("photo", Part::Directory),
    ("photos", Part::Directory),
    ("manager", Part::Directory),
    ("directReports", Part::Directory),
    ("memberOf", Part::Directory),
    ("transitiveMemberOf", Part::Directory),
    ("people", Part::Directory),
    ("extensions", Part::Directory),
    ("licenseDetails", Part::Directory),
    ("appRoleAssignments", Part::Directory),
    ("oauth2PermissionGrants", Part::Directory),
    ("authentication", Part::Directory),
    ("revokeSignInSessions", Part::Directory),
    ("changePassword", Part::Directory),
    ("checkMemberGroups", Part::Directory),
    ("getMemberGroups", Part::Directory),
];

/// Segments at the service root.
const ROOTED: &[(&str, Part)] = &[
    ("users", Part::Directory),
    ("groups", Part::Directory),
    ("directory", Part::Directory),
    ("directoryObjects", Part::Directory),
    ("directoryRoles", Part::Directory),
    ("roleManagement", Part::Directory),
    ("applications", Part::Directory),
    ("servicePrincipals", Part::Directory),
    ("oauth2PermissionGrants", Part::Directory),
    ("organization", Part::Directory),
    ("domains", Part::Directory),
    ("devices", Part::Directory),
    ("identity", Part::Directory),
    ("policies", Part::Directory),
    ("auditLogs", Part::Directory),
    ("reports", Part::Directory),
    ("invitations", Part::Directory),
    ("subscriptions", Part::Directory),
    ("search", Part::Directory),
    ("communications", Part::Teams),
    ("chats", Part::Teams),
    ("teams", Part::Teams),
    ("teamwork", Part::Teams),
    ("drive", Part::Files),
    ("drives", Part::Files),
    ("shares", Part::Files),
    ("sites", Part::Files),
    ("copilot", Part::Teams),
    ("solutions", Part::Directory),
];

impl Part {
    /// Scopes of which one is needed to write here.
    const fn write_scopes(self) -> &'static [&'static str] {
        match self {
            Self::Mail => &["Mail.ReadWrite", "Mail.ReadWrite.Shared"],
            Self::SendMail => &["Mail.Send", "Mail.Send.Shared"],
            Self::Calendar => &["Calendars.ReadWrite", "Calendars.ReadWrite.Shared"],
            Self::Contacts => &["Contacts.ReadWrite", "Contacts.ReadWrite.Shared"],
            Self::MailboxSettings => &["MailboxSettings.ReadWrite"],
            Self::Files => &["Files.ReadWrite", "Files.ReadWrite.All", "Sites.ReadWrite.All", "Sites.Manage.All"],
            Self::Teams => &["Chat.ReadWrite", "ChatMessage.Send", "ChannelMessage.Send", "OnlineMeetings.ReadWrite"],
            Self::Directory => &["Directory.ReadWrite.All", "User.ReadWrite", "User.ReadWrite.All"],
        }
    }

    fn denied(self, view: &View<'_>) -> GraphError {
        let held = view.principal().scopes.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        self.denied_to("scope", "Scopes", &held)
    }

    /// The workload's own words; `kind` and `kinds` are what Teams calls what is missing.
    fn denied_to(self, kind: &str, kinds: &str, held: &str) -> GraphError {
        match self {
            Self::Mail | Self::SendMail | Self::Calendar | Self::Contacts | Self::MailboxSettings => {
                GraphError::MailAccessDenied
            }
            Self::Files => GraphError::DriveDenied,
            Self::Teams => GraphError::Forbidden(format!(
                "Missing {kind} permissions on the request. API requires one of '{}'. {kinds} on the request '{held}'",
                self.write_scopes().join(", ")
            )),
            Self::Directory => GraphError::DirectoryDenied,
        }
    }
}

/// The part a path belongs to, and the operation without its keys as far as the path alone tells.
fn part(path: &Path<'_>) -> Result<(Part, String), String> {
    let (owner, rest) = path.owner();
    let (table, named, fallback) = match owner {
        Owner::Nobody => (ROOTED, rest.name(0), None),
        Owner::Caller | Owner::Named(_) => (OWNED, rest.name(0), Some(Part::Directory)),
    };
    let prefix = owner.template();
    match (named, fallback) {
        (None, Some(part)) => Ok((part, prefix.to_owned())),
        (None, None) => Err(String::new()),
        (Some(named), _) => match table.iter().find(|(name, _)| name.eq_ignore_ascii_case(named)) {
            Some((name, part)) => Ok((*part, format!("{prefix}/{name}"))),
            None => Err(named.to_owned()),
        },
    }
}

/// What a token without any role is told.
pub(super) fn denied_to_application(path: &Path<'_>) -> GraphError {
    match part(path) {
        Ok((part, _)) => part.denied_to("role", "Roles", ""),
        Err(segment) => GraphError::Segment(segment),
    }
}

/// A request that is not a GET.
pub(super) fn answer(method: &Method, path: &Path<'_>, view: &View<'_>) -> Attempt {
    if ![Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method) {
        let operation = method.to_string();
        let unmodelled = vec![format!("method {operation:.20}")];
        return Attempt { operation, is_write: false, refusal: GraphError::Method.into(), unmodelled };
    }
    if let Some(published) = published::find(method, path) {
        return published_write(method, path, published, view);
    }
    match part(path) {
        Ok((part, below)) => {
            let operation = format!("{method} {below}");
            let needed = part.write_scopes();
            let held = view.admits(needed);
            let reason = if held {
                "writes are not modelled yet: refused although the token holds a scope for it".to_owned()
            } else {
                missing(&operation, needed, view.principal())
            };
            let unmodelled = if held { vec![operation.clone()] } else { Vec::new() };
            Attempt { operation, is_write: true, refusal: part.denied(view).because(reason), unmodelled }
        }
        Err(segment) => Attempt { is_write: true, ..nowhere(method, segment) },
    }
}

/// A write that Microsoft publishes and no row of ours serves.
fn published_write(method: &Method, path: &Path<'_>, published: &Published, view: &View<'_>) -> Attempt {
    let part = match published.area {
        "mail" => Part::Mail,
        "calendar" => Part::Calendar,
        "contacts" => Part::Contacts,
        "chats" | "teams" => Part::Teams,
        "files" | "sites" => Part::Files,
        _ => Part::Directory,
    };
    let operation = format!("{method} {}{}", path.owner().0.template(), published.template);
    if !published.is_v1 {
        // What v1.0 does not know stands at the end of the path more often than not.
        let segment = published.template.rsplit('/').find(|segment| !segment.starts_with('{')).unwrap_or_default();
        let refusal = GraphError::Segment(segment.to_owned()).because("not in v1.0 of the real service either");
        return Attempt { operation, is_write: true, refusal, unmodelled: Vec::new() };
    }
    let needed = if published.scopes.is_empty() { part.write_scopes() } else { &published.scopes };
    let held = view.admits(needed);
    let reason = if held {
        "writes of this kind are not modelled yet: refused although the token holds a scope for it".to_owned()
    } else {
        missing(&operation, needed, view.principal())
    };
    let unmodelled = if held { vec![operation.clone()] } else { Vec::new() };
    let error = match part {
        Part::Teams => Workload::Teams.denied(needed, &view.principal().scopes),
        part => part.denied(view),
    };
    Attempt { operation, is_write: true, refusal: error.because(reason), unmodelled }
}

/// A GET that no row serves.
pub(super) fn unknown(path: &Path<'_>) -> Attempt {
    match part(path) {
        Ok((_, below)) => not_modelled(match path.owner().1.function() {
            Some(function) => format!("GET {below}/{function:.40}"),
            None => format!("GET {below}"),
        }),
        Err(segment) => nowhere(&Method::GET, segment),
    }
}

fn not_modelled(operation: String) -> Attempt {
    Attempt {
        refusal: GraphError::NotModelled(operation.clone()).because("not modelled by the emulator"),
        is_write: false,
        unmodelled: vec![operation.clone()],
        operation,
    }
}

fn nowhere(method: &Method, segment: String) -> Attempt {
    let shown: String = segment.chars().take(40).collect();
    Attempt {
        operation: method.to_string(),
        is_write: false,
        unmodelled: vec![format!("{method} segment {shown:?}")],
        refusal: GraphError::Segment(segment).into(),
    }
}
