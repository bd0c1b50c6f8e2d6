//! People and what stands around them: users, their managers, groups and roles, photos, the organization.
//!
//! | path | file |
//! |---|---|
//! | `/me`, `/users/{id}` | `user` |
//! | `/users`, `/users/$count` | `list` |
//! | `…/manager`, `…/directReports` | `reporting` |
//! | `…/memberOf`, `…/transitiveMemberOf` | `membership` |
//! | `…/photo`, `…/photo/$value` | `photo` |
//! | `/organization` | `organization` |

mod list;
mod membership;
mod organization;
mod page;
mod photo;
mod reporting;
mod user;

use super::answer::Answer;
use super::error::{GraphError, Refusal};
use super::route::{Ask, Handler, Owner, Route, Under, Verb, Workload};
use super::view::View;
use crate::directory::User;

/// Reads the whole profile of everybody.
pub(super) const EVERYBODY: &[&str] =
    &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
/// Reads one's own profile.
pub(super) const ONESELF: &[&str] = &["User.Read", "User.ReadWrite"];
/// Reads what groups are called.
pub(super) const GROUPS: &[&str] = &[
    "Group.ReadBasic.All",
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// Reads what directory roles are called.
pub(super) const ROLES: &[&str] = &["Directory.Read.All", "Directory.ReadWrite.All"];

const PROFILE: &[&str] = &[
    "User.Read",
    "User.ReadWrite",
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const OTHERS_PROFILE: &[&str] =
    &["User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const MEMBER_OF: &[&str] = &[
    "User.Read",
    "User.ReadWrite",
    "Group.ReadBasic.All",
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const TRANSITIVE_MEMBER_OF: &[&str] = &[
    "User.Read",
    "User.ReadWrite",
    "User.Read.All",
    "User.ReadWrite.All",
    "Group.ReadBasic.All",
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const PHOTO: &[&str] = &[
    "User.Read",
    "User.ReadWrite",
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "ProfilePhoto.Read.All",
    "ProfilePhoto.ReadWrite.All",
];
const OTHERS_PHOTO: &[&str] = &[
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "ProfilePhoto.Read.All",
    "ProfilePhoto.ReadWrite.All",
];

const ORGANIZATION: &[&str] = &[
    "User.Read",
    "User.ReadWrite",
    "User.Read.All",
    "User.ReadWrite.All",
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

const fn owned(
    template: &'static str,
    own: &'static [&'static str],
    others: &'static [&'static str],
    handler: Handler,
) -> Route {
    Route { verb: Verb::Get, under: Under::Owner, template, own, others, workload: Workload::Directory, handler }
}

const fn root(template: &'static str, own: &'static [&'static str], handler: Handler) -> Route {
    Route { verb: Verb::Get, under: Under::Root, template, own, others: &[], workload: Workload::Directory, handler }
}

/// The rows.
pub(super) const ROUTES: &[Route] = &[
    owned("", PROFILE, OTHERS_PROFILE, user::read),
    root("/users", OTHERS_PROFILE, list::list),
    root("/users/$count", OTHERS_PROFILE, list::count),
    owned("/manager", EVERYBODY, EVERYBODY, reporting::manager),
    owned("/directReports", EVERYBODY, EVERYBODY, reporting::reports),
    owned("/memberOf", MEMBER_OF, GROUPS, membership::direct),
    owned("/memberOf/microsoft.graph.group", MEMBER_OF, GROUPS, membership::direct_groups),
    owned("/memberOf/microsoft.graph.directoryRole", MEMBER_OF, GROUPS, membership::roles),
    owned("/transitiveMemberOf", TRANSITIVE_MEMBER_OF, GROUPS, membership::transitive),
    owned("/transitiveMemberOf/microsoft.graph.group", TRANSITIVE_MEMBER_OF, GROUPS, membership::transitive_groups),
    owned("/photo", PHOTO, OTHERS_PHOTO, photo::about),
    owned("/photo/$value", PHOTO, OTHERS_PHOTO, photo::value),
    owned("/photos", PHOTO, OTHERS_PHOTO, photo::sizes),
    owned("/photos/{id}", PHOTO, OTHERS_PHOTO, photo::sized),
    owned("/photos/{id}/$value", PHOTO, OTHERS_PHOTO, photo::sized_value),
    root("/organization", ORGANIZATION, organization::list),
    root("/organization/{id}", &["User.Read.All", "User.ReadWrite.All"], organization::read),
];

/// The user that a path names.
fn named<'a>(view: &View<'a>, ask: &Ask<'_>) -> Result<&'a User, Refusal> {
    let key = match &ask.owner {
        Owner::Named(key) => key.clone(),
        Owner::Nobody | Owner::Caller => view.caller().to_string(),
    };
    view.user(&key).ok_or_else(|| GraphError::NoSuchObject(key).because("no such user in the caller's tenant"))
}

/// Whether the request has the header that queries beyond the simple ones need.
///
/// <https://learn.microsoft.com/graph/aad-advanced-queries>
fn is_eventual(ask: &Ask<'_>) -> bool {
    ask.headers.get("consistencylevel").is_some_and(|level| level.as_bytes().eq_ignore_ascii_case(b"eventual"))
}

fn needs_eventual() -> GraphError {
    let message =
        "$search, $count, $orderby with $filter, ne, not and endsWith need the header ConsistencyLevel: eventual.";
    GraphError::UnsupportedQuery(message.to_owned())
}

/// The object that a document begins with.
fn document(context: &str) -> Vec<u8> {
    let mut out = b"{".to_vec();
    super::json::key(&mut out, "@odata.context");
    super::json::string(&mut out, context);
    out
}

/// A document as an answer.
fn closed(mut out: Vec<u8>) -> Answer {
    out.push(b'}');
    Answer::json(out)
}
