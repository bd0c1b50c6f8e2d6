//! Who sees which file: decisions that can be got wrong, facts in, verdict out.

use std::collections::BTreeSet;

use fixtures::files::{LinkScope, Role};
use fixtures::ids::{GroupId, UserId};

use super::{Grant, Grantee, Item, Kind};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Object id.
    pub user: UserId,
    /// A guest of the tenant.
    pub is_guest: bool,
    /// The groups they are in, through nested ones too.
    pub groups: BTreeSet<GroupId>,
    /// The delegated scopes of their token.
    pub scopes: BTreeSet<String>,
}

/// The decisions about drives and sites.
#[derive(Debug, Clone, Copy)]
pub struct FileRules {
    /// Whether a drive is the asker's own.
    pub owns: fn(&Asker, &Kind) -> bool,
    /// Whether what such a grantee has, the asker has.
    pub is_one_of: fn(&Asker, &Grantee) -> bool,
    /// Whether a grant still gives anything.
    pub in_force: fn(&Grant) -> bool,
    /// Whether a link of this scope works for the asker.
    pub follows: fn(&Asker, LinkScope) -> bool,
    /// Whether an item takes over the permissions of the folder that it lies in.
    pub inherits: fn(&Item) -> bool,
    /// Whether a data loss prevention policy keeps this item from who would have this much of it.
    pub blocks: fn(&Asker, &Item, Role) -> bool,
    /// Whether the token's scopes reach a drive at all.
    pub reaches: fn(&BTreeSet<String>, is_own: bool) -> bool,
    /// Whether who has this much of an item may change it with these scopes.
    pub edits: fn(&BTreeSet<String>, is_own: bool, Role) -> bool,
}

impl FileRules {
    /// The rules as the real service has them.
    pub const STRICT: Self = Self { owns, is_one_of, in_force, follows, inherits, blocks, reaches, edits };
}

fn owns(asker: &Asker, kind: &Kind) -> bool {
    *kind == Kind::Personal(asker.user)
}

/// Guests belong to groups that they were put into, and not to everybody.
fn is_one_of(asker: &Asker, grantee: &Grantee) -> bool {
    match grantee {
        Grantee::User(user) => *user == asker.user,
        Grantee::Group(group) => asker.groups.contains(group),
        Grantee::Everybody => !asker.is_guest,
    }
}

fn in_force(grant: &Grant) -> bool {
    !grant.is_removed
}

/// <https://learn.microsoft.com/graph/api/resources/sharinglink>: a link for the organization is not for guests.
fn follows(asker: &Asker, scope: LinkScope) -> bool {
    match scope {
        LinkScope::Organization => !asker.is_guest,
        LinkScope::Users | LinkScope::Anonymous => true,
    }
}

fn inherits(item: &Item) -> bool {
    item.inherits
}

/// Blocked content stays with its author, who changed it last, and the owners of the site:
/// <https://learn.microsoft.com/purview/dlp-policy-reference>.
fn blocks(asker: &Asker, item: &Item, role: Role) -> bool {
    item.is_blocked && role != Role::Owner && item.author != asker.user && item.editor != asker.user
}

/// `Files.Read` is for the caller's own drive; what is another's, or a site's, needs a scope that says so.
fn reaches(held: &BTreeSet<String>, is_own: bool) -> bool {
    const EVERYWHERE: [&str; 6] = [
        "Files.Read.All",
        "Files.ReadWrite.All",
        "Sites.Read.All",
        "Sites.ReadWrite.All",
        "Sites.Manage.All",
        "Sites.FullControl.All",
    ];
    is_own || EVERYWHERE.iter().any(|scope| held.contains(*scope))
}

/// `Files.ReadWrite` is for the caller's own drive, as `Files.Read` is.
fn edits(held: &BTreeSet<String>, is_own: bool, role: Role) -> bool {
    const EVERYWHERE: [&str; 4] =
        ["Files.ReadWrite.All", "Sites.ReadWrite.All", "Sites.Manage.All", "Sites.FullControl.All"];
    role >= Role::Write && (is_own || EVERYWHERE.iter().any(|scope| held.contains(*scope)))
}
