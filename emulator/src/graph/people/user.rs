//! `/me`, `/users/{id}`: a user, as far as scopes and the directory's rules show them.

use crate::directory::User;
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::json::{array, key, optional, string};
use crate::graph::odata::options::Kind;
use crate::graph::odata::record::{Record, Schema, Type, Value};
use crate::graph::route::Ask;
use crate::graph::view::View;
use crate::graph::view::people::Profile;

/// What a user shows without `$select`, in order.
pub(super) const DEFAULT: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];
/// What comes with `$select` alone.
const ON_REQUEST: &[&str] =
    &["accountEnabled", "department", "userType", "mailNickname", "proxyAddresses", "signInSessionsValidFromDateTime"];
/// What `User.ReadBasic.All` shows of others.
const BASIC: &[&str] = &["displayName", "givenName", "surname", "mail", "userPrincipalName", "id"];

/// What a user is to guests.
/// <https://learn.microsoft.com/entra/fundamentals/users-default-permissions#compare-member-and-guest-default-permissions>
const TO_GUESTS: &[&str] = &["displayName", "mail", "userPrincipalName", "userType", "id"];

/// One user.
pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select])?;
    let properties = properties(ask)?;
    let user = super::named(view, ask)?;
    let (root, selection) = (&ask.root, crate::graph::mail::selection(ask));
    let mut out = super::document(&format!("{root}/$metadata#users{selection}/$entity"));
    write(&mut out, user, &properties, view.profile(user));
    Ok(super::closed(out))
}

/// The properties that `$select` names, or the usual ones.
pub(super) fn properties(ask: &Ask<'_>) -> Result<Vec<&'static str>, GraphError> {
    let Some(names) = &ask.options.select else { return Ok(DEFAULT.to_vec()) };
    names
        .iter()
        .map(|name| {
            DEFAULT.iter().chain(ON_REQUEST).copied().find(|known| known.eq_ignore_ascii_case(name)).ok_or_else(|| {
                ask.unmodelled(format!("user property {name:.40}"));
                GraphError::BadRequest(format!("Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.user'."))
            })
        })
        .collect()
}

/// Whether a property is shown to who sees this much.
fn is_shown(profile: Profile, name: &str) -> bool {
    match profile {
        Profile::Whole => true,
        Profile::Basic => BASIC.contains(&name),
        Profile::Guest => TO_GUESTS.contains(&name),
    }
}

/// Properties of a user into an object that is open.
pub(super) fn write(out: &mut Vec<u8>, user: &User, properties: &[&str], profile: Profile) {
    for name in properties {
        key(out, name);
        if !is_shown(profile, name) {
            out.extend_from_slice(if is_collection(name) { b"[]" } else { b"null" });
            continue;
        }
        match *name {
            "id" => string(out, &user.id.to_string()),
            "displayName" => string(out, &user.display_name),
            "givenName" => optional(out, user.given_name.as_deref()),
            "surname" => optional(out, user.surname.as_deref()),
            "mail" => optional(out, user.mail.as_deref()),
            "userPrincipalName" => string(out, &user.upn),
            "jobTitle" => optional(out, user.job_title.as_deref()),
            "department" => optional(out, user.department.as_deref()),
            "officeLocation" => optional(out, user.office.as_deref()),
            "mobilePhone" => optional(out, user.mobile_phone.as_deref()),
            "preferredLanguage" => optional(out, user.language.as_deref()),
            "accountEnabled" => crate::graph::json::boolean(out, user.enabled),
            "userType" => string(out, user_type(user)),
            "mailNickname" => string(out, &user.name),
            "proxyAddresses" => array(out, user.mail.iter(), |out, mail| string(out, &format!("SMTP:{mail}"))),
            "signInSessionsValidFromDateTime" => match user.voided.since {
                Some(at) => crate::graph::json::time(out, at),
                None => out.extend_from_slice(b"null"),
            },
            _ => out.extend_from_slice(b"[]"),
        }
    }
}

fn is_collection(name: &str) -> bool {
    matches!(name, "businessPhones" | "proxyAddresses")
}

/// What `$filter` and `$orderby` know of users.
pub(super) const USER: &Schema = &[
    ("id", Type::Text),
    ("displayName", Type::Text),
    ("givenName", Type::Text),
    ("surname", Type::Text),
    ("mail", Type::Text),
    ("userPrincipalName", Type::Text),
    ("jobTitle", Type::Text),
    ("department", Type::Text),
    ("officeLocation", Type::Text),
    ("accountEnabled", Type::Bool),
    ("userType", Type::Text),
];

/// A user as a filter sees it: what is hidden is `null`.
pub(super) struct Filtered<'a> {
    pub(super) user: &'a User,
    profile: Profile,
    id: String,
}

impl<'a> Filtered<'a> {
    pub(super) fn of(view: &View<'_>, user: &'a User) -> Self {
        Self { user, profile: view.profile(user), id: user.id.to_string() }
    }
}

impl Record for Filtered<'_> {
    fn value(&self, name: &str) -> Value<'_> {
        let user = self.user;
        if !is_shown(self.profile, name) {
            return Value::Null;
        }
        match name {
            "id" => Value::Text(&self.id),
            "displayName" => Value::Text(&user.display_name),
            "givenName" => maybe(user.given_name.as_deref()),
            "surname" => maybe(user.surname.as_deref()),
            "mail" => maybe(user.mail.as_deref()),
            "userPrincipalName" => Value::Text(&user.upn),
            "jobTitle" => maybe(user.job_title.as_deref()),
            "department" => maybe(user.department.as_deref()),
            "officeLocation" => maybe(user.office.as_deref()),
            "accountEnabled" => Value::Bool(user.enabled),
            "userType" => Value::Text(user_type(user)),
            _ => Value::Null,
        }
    }
}

fn user_type(user: &User) -> &'static str {
    if user.home.is_some() { "Guest" } else { "Member" }
}

fn maybe(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Null, Value::Text)
}
