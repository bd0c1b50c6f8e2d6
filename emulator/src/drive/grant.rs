//! What was given to whom.

use fixtures::files::{LinkScope, Role};
use fixtures::ids::{GroupId, UserId};
use sha2::{Digest as _, Sha256};

/// Something that was given: a direct permission, or a sharing link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// `id` of the permission.
    pub id: String,
    /// Who has it. Of links beyond those for named people: who followed it.
    pub to: Vec<Grantee>,
    /// What it lets them do.
    pub role: Role,
    /// The link, if it is one.
    pub link: Option<Link>,
    /// It was taken back.
    pub is_removed: bool,
}

/// A sharing link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// For whom it works.
    pub scope: LinkScope,
    /// Its address.
    pub url: String,
}

/// Somebody who may be given something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantee {
    /// One person.
    User(UserId),
    /// A group, with the groups inside it.
    Group(GroupId),
    /// Everybody except external users.
    Everybody,
}

impl Grant {
    pub(super) fn digest(&self, hash: &mut Sha256) {
        hash.update(self.id.as_bytes());
        hash.update([self.role as u8, u8::from(self.is_removed)]);
        for grantee in &self.to {
            match grantee {
                Grantee::User(id) => hash.update(id.0.as_bytes()),
                Grantee::Group(id) => hash.update(id.0.as_bytes()),
                Grantee::Everybody => hash.update(b"everybody"),
            }
        }
        if let Some(link) = &self.link {
            hash.update([link.scope as u8]);
            hash.update(link.url.as_bytes());
        }
    }
}
