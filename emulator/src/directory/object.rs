//! The objects of a directory.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use fixtures::ids::{AppId, GroupId, ServicePrincipalId, TenantId, UserId};
use fixtures::plan::{Device, PersonKind};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::sign_in::Voided;

/// A user object.
#[derive(Debug, Clone)]
pub struct User {
    /// `id`: unique only together with the tenant.
    pub id: UserId,
    /// The handle of fixture rows, for example `alice`.
    pub name: String,
    /// `userPrincipalName`.
    pub upn: String,
    /// `displayName`.
    pub display_name: String,
    /// `givenName`.
    pub given_name: Option<String>,
    /// `surname`.
    pub surname: Option<String>,
    /// `mail`.
    pub mail: Option<String>,
    /// `jobTitle`.
    pub job_title: Option<String>,
    /// `department`.
    pub department: Option<String>,
    /// `officeLocation`.
    pub office: Option<String>,
    /// `mobilePhone`.
    pub mobile_phone: Option<String>,
    /// `preferredLanguage`.
    pub language: Option<String>,
    /// `accountEnabled`.
    pub enabled: bool,
    /// Member, guest, room or shared mailbox.
    pub kind: PersonKind,
    /// Whether Exchange holds a mailbox for this user in this tenant.
    pub has_mailbox: bool,
    /// Directory roles, for example `Global Administrator`.
    pub roles: Vec<String>,
    /// For guests: tenant and object id at home.
    pub home: Option<(TenantId, UserId)>,
    /// When it was disabled or deleted last.
    pub closed_at: Option<Timestamp>,
    /// What voided sign-ins of this account, and since when.
    pub voided: Voided,
    /// The device they work on.
    pub device: Device,
    /// Who they report to.
    pub manager: Option<UserId>,
    /// The picture, a PNG.
    pub photo: Option<Photo>,
    pub(super) password: Option<Password>,
    /// What the page for a second factor takes.
    pub(super) second_factor: Option<Password>,
}

impl User {
    /// Whether this is the user's password. Users without one never sign in.
    pub fn password_is(&self, given: &str) -> bool {
        self.password.as_ref().is_some_and(|password| password.0.as_bytes().ct_eq(given.as_bytes()).into())
    }

    /// The password as a row has it: for a world that is saved.
    pub(crate) fn password_row(&self) -> Option<String> {
        self.password.as_ref().map(|password| password.0.clone())
    }

    /// The second factor as a row has it.
    pub(crate) fn second_factor_row(&self) -> Option<String> {
        self.second_factor.as_ref().map(|code| code.0.clone())
    }

    /// Whether a second factor is registered.
    pub fn has_second_factor(&self) -> bool {
        self.second_factor.is_some()
    }

    /// Whether this is the code of the user's second factor.
    pub fn second_factor_is(&self, given: &str) -> bool {
        self.second_factor.as_ref().is_some_and(|code| code.0.as_bytes().ct_eq(given.as_bytes()).into())
    }

    pub(crate) fn set_second_factor(&mut self, code: Option<Password>) {
        self.second_factor = code;
    }

    /// A guest proves who they are at home: with the password there.
    pub(crate) fn with_home(mut self, home: Option<(TenantId, UserId)>, at_home: Option<&Self>) -> Self {
        self.home = home;
        if let Some(at_home) = at_home {
            self.password.clone_from(&at_home.password);
        }
        self
    }

    pub(crate) fn set_password(&mut self, password: Password) {
        self.password = Some(password);
    }

    /// Whether a person can sign in with this object at all: rooms and shared mailboxes are nobody's account.
    pub fn signs_in(&self) -> bool {
        matches!(self.kind, PersonKind::Member | PersonKind::Guest)
    }

    /// Whether the user may consent for the whole organization.
    ///
    /// <https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent#prerequisites>
    pub fn is_administrator(&self) -> bool {
        const CONSENTING: [&str; 4] = [
            "Global Administrator",
            "Privileged Role Administrator",
            "Cloud Application Administrator",
            "Application Administrator",
        ];
        self.roles.iter().any(|role| CONSENTING.contains(&role.as_str()))
    }
}

/// A picture of somebody, a PNG.
#[derive(Clone, PartialEq, Eq)]
pub struct Photo(Arc<[u8]>);

impl Photo {
    /// Takes the bytes of a PNG.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Width and height in pixels, as the header chunk of a PNG has them.
    pub fn size(&self) -> (u32, u32) {
        let number = |at: usize| {
            let bytes = self.0.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u32::from_be_bytes)
        };
        (number(16), number(20))
    }
}

impl fmt::Debug for Photo {
    /// A hash, for fingerprints; nobody reads pixels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Photo({:x?})", Sha256::digest(&self.0))
    }
}

/// A password of a fixture: a test value that still does not print.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Takes a password that somebody chose.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A group.
#[derive(Debug, Clone)]
pub struct Group {
    /// `id`.
    pub id: GroupId,
    /// The handle of fixture rows.
    pub name: String,
    /// `displayName`.
    pub display_name: String,
    /// `mail`.
    pub mail: Option<String>,
    /// Direct members that are users.
    pub users: BTreeSet<UserId>,
    /// Direct members that are groups.
    pub groups: BTreeSet<GroupId>,
}

/// A user or a group: what groups have as members, applications as assigned, policies as included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// A user.
    User(UserId),
    /// A group.
    Group(GroupId),
}

impl Member {
    /// Puts it where it belongs; whether it was not there.
    pub(crate) fn put(self, users: &mut BTreeSet<UserId>, groups: &mut BTreeSet<GroupId>) -> bool {
        match self {
            Self::User(id) => users.insert(id),
            Self::Group(id) => groups.insert(id),
        }
    }

    /// Takes it from where it is; whether it was there.
    pub(crate) fn take(self, users: &mut BTreeSet<UserId>, groups: &mut BTreeSet<GroupId>) -> bool {
        match self {
            Self::User(id) => users.remove(&id),
            Self::Group(id) => groups.remove(&id),
        }
    }
}

/// An enterprise application of the tenant.
#[derive(Debug, Clone)]
pub struct ServicePrincipal {
    /// Object id: another one in every tenant.
    pub id: ServicePrincipalId,
    /// Application id: the same in every tenant.
    pub app: AppId,
    /// `accountEnabled`.
    pub enabled: bool,
    /// `appRoleAssignmentRequired`.
    pub assignment_required: bool,
    /// Assigned users.
    pub assigned_users: BTreeSet<UserId>,
    /// Assigned groups. Only direct members count, as in the real service.
    pub assigned_groups: BTreeSet<GroupId>,
}

/// Which `oauth2PermissionGrant`: at most one per client, resource and principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantKey {
    /// The app that may call.
    pub client: AppId,
    /// The app that may be called.
    pub resource: AppId,
    /// One user, or everybody (`AllPrincipals`).
    pub principal: Option<UserId>,
}

/// A delegated permission grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant<'a> {
    /// Client, resource and principal.
    pub key: GrantKey,
    /// Granted scopes.
    pub scopes: &'a BTreeSet<String>,
}
