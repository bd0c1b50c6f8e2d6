//! `…/memberOf`, `…/transitiveMemberOf`: groups and directory roles.
//!
//! What the token may not read is there all the same, with its type and id alone:
//! <https://learn.microsoft.com/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects>.

use fixtures::ids::DirectoryRoleId;

use super::page;
use crate::directory::Group;
use crate::graph::answer::Answer;
use crate::graph::error::Refusal;
use crate::graph::json::{array, boolean, key, optional, string};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::View;
use crate::graph::view::people::Membership;

const GROUP: &[&str] = &[
    "id",
    "deletedDateTime",
    "createdDateTime",
    "description",
    "displayName",
    "groupTypes",
    "mail",
    "mailEnabled",
    "mailNickname",
    "proxyAddresses",
    "securityEnabled",
    "visibility",
];
const ROLE: &[&str] = &["id", "deletedDateTime", "description", "displayName", "roleTemplateId"];

/// Groups with the user as a direct member, and roles.
pub(super) fn direct(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    answer(view, ask, false, "directoryObjects", |_| true)
}

/// The groups alone.
pub(super) fn direct_groups(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    answer(view, ask, false, "groups", is_group)
}

/// The roles alone.
pub(super) fn roles(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    answer(view, ask, false, "directoryRoles", |membership| !is_group(membership))
}

/// The same through nested groups.
pub(super) fn transitive(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    answer(view, ask, true, "directoryObjects", |_| true)
}

/// The groups alone.
pub(super) fn transitive_groups(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    answer(view, ask, true, "groups", is_group)
}

fn is_group(membership: &Membership<'_>) -> bool {
    matches!(membership, Membership::Group(_))
}

fn answer(
    view: &View<'_>,
    ask: &Ask<'_>,
    is_transitive: bool,
    set: &str,
    keep: fn(&Membership<'_>) -> bool,
) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select, Kind::Top, Kind::Count, Kind::SkipToken])?;
    let user = super::named(view, ask)?;
    let mut found = view.memberships(user, is_transitive)?;
    found.retain(keep);
    let mut out = super::document(&format!("{}/$metadata#{set}", ask.root));
    page::write(&mut out, view, ask, found, |out, membership| {
        write(out, view, ask, &membership, set == "directoryObjects");
    })?;
    Ok(super::closed(out))
}

fn write(out: &mut Vec<u8>, view: &View<'_>, ask: &Ask<'_>, membership: &Membership<'_>, with_type: bool) {
    let (kind, names) = match membership {
        Membership::Group(_) => ("#microsoft.graph.group", GROUP),
        Membership::Role(_) => ("#microsoft.graph.directoryRole", ROLE),
    };
    if with_type {
        key(out, "@odata.type");
        string(out, kind);
    }
    let selected = |name: &&str| {
        ask.options.select.as_ref().is_none_or(|only| only.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)))
    };
    let is_shown = view.shows(membership);
    for name in names.iter().copied().filter(|name| selected(name) || *name == "id") {
        key(out, name);
        match membership {
            Membership::Group(group) if name == "id" => string(out, &group.id.to_string()),
            Membership::Role(role) if name == "id" => {
                let handle = format!("{}/roles/{role}", view.tenant_name());
                string(out, &DirectoryRoleId::derived(&handle).to_string());
            }
            _ if matches!(name, "groupTypes" | "proxyAddresses") && !is_shown => out.extend_from_slice(b"[]"),
            _ if !is_shown => out.extend_from_slice(b"null"),
            Membership::Group(group) => of_group(out, group, name),
            Membership::Role(role) => match name {
                "displayName" => string(out, role),
                "roleTemplateId" => optional(out, template(role)),
                _ => out.extend_from_slice(b"null"),
            },
        }
    }
}

/// Groups with an address are Microsoft 365 groups; the others grant access alone.
fn of_group(out: &mut Vec<u8>, group: &Group, name: &str) {
    match name {
        "displayName" => string(out, &group.display_name),
        "mail" => optional(out, group.mail.as_deref()),
        "mailNickname" => string(out, &group.name),
        "mailEnabled" => boolean(out, group.mail.is_some()),
        "securityEnabled" => boolean(out, group.mail.is_none()),
        "groupTypes" => array(out, group.mail.iter(), |out, _| string(out, "Unified")),
        "proxyAddresses" => array(out, group.mail.iter(), |out, mail| string(out, &format!("SMTP:{mail}"))),
        _ => out.extend_from_slice(b"null"),
    }
}

/// <https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference>.
fn template(role: &str) -> Option<&'static str> {
    const TEMPLATES: [(&str, &str); 9] = [
        ("Application Administrator", "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"),
        ("Cloud Application Administrator", "158c047a-c907-4556-b7ef-446551a6b5f7"),
        ("Global Administrator", "62e90394-69f5-4237-9190-012177145e10"),
        ("Global Reader", "f2ef992c-3afb-46b9-b7cf-a126ee74c451"),
        ("Privileged Role Administrator", "e8611ab8-c189-46e8-94e1-60213ab1f814"),
        ("Reports Reader", "4a5d8f65-41da-4de4-8968-e035b65339cf"),
        ("Security Administrator", "194ae4cb-b126-40b2-bd5b-6091b380977d"),
        ("Security Operator", "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f"),
        ("Security Reader", "5d6b6bb7-de71-4623-b4af-96380a352509"),
    ];
    TEMPLATES.iter().find(|(name, _)| *name == role).map(|(_, id)| *id)
}
