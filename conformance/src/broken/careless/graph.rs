//! Graph, careless in one decision.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use emulator::drive::Kind;
use emulator::drive::rules::FileRules;
use emulator::entra::keys::{Keys, Unverified};
use emulator::entra::rules::IssuerRules;
use emulator::principal::Principal;
use emulator::rules::{Claims, Reach, Rules, Sight};
use emulator::world::{TenantWorld, World};
use fixtures::ids::UserId;
use serde_json::{Map, Value};

use super::careless;
use crate::broken::Broken;

const STRICT: Rules = Rules::STRICT;
const FILES: FileRules = FileRules::STRICT;

/// Each with its one wrong rule; `graph-scope-is-enough` makes one mistake wherever it can be made.
pub(super) const CARELESS: &[(&Broken, Rules)] = &[
    (&GRAPH_ONE_MAP, Rules { asks_as: as_the_owner, ..STRICT }),
    (&GRAPH_ANY_MAILBOX, Rules { mailbox: |_, _, _| Reach::Whole, ..STRICT }),
    (&GRAPH_ANY_CALENDAR, Rules { calendar: |_, _, _, _| Sight::All, ..STRICT }),
    (&GRAPH_ANY_CHAT, Rules { chat: |_, _| true, ..STRICT }),
    (&GRAPH_WHOLE_HISTORY, Rules { history: |_, _| true, ..STRICT }),
    (&GRAPH_PRIVATE_CHANNELS, Rules { channel: |_, in_team, _| in_team, ..STRICT }),
    (&GRAPH_PRIVATE_EVENTS, Rules { details: |_, _| true, ..STRICT }),
    (&GRAPH_SCOPE_IS_ENOUGH, SCOPE_IS_ENOUGH),
    (&GRAPH_SHARED_FOR_EVER, Rules { files: FileRules { in_force: |_| true, ..FILES }, ..STRICT }),
    (&GRAPH_BLOCKS_NOTHING, Rules { files: FileRules { blocks: |_, _, _| false, ..FILES }, ..STRICT }),
    (&GRAPH_AUDIT_BY_NAME, Rules { audited: |own, named| named.unwrap_or(own), ..STRICT }),
    (&GRAPH_AUDIT_FOR_ANYBODY, Rules { reads_audit: |_, _| true, ..STRICT }),
    (&GRAPH_ANY_SCOPE, Rules { admits: |_, _| true, ..STRICT }),
    (
        &GRAPH_HEARS_OF_NOTHING,
        Rules { issuer: IssuerRules { critical: |_, _, _| Ok(()), ..IssuerRules::STRICT }, ..STRICT },
    ),
    (&GRAPH_BELIEVES_ACTORS, Rules { believed: outer_for_inner, ..STRICT }),
];

const SCOPE_IS_ENOUGH: Rules = Rules {
    mailbox: |_, _, _| Reach::Whole,
    calendar: |_, _, _, _| Sight::All,
    chat: |_, _| true,
    files: FileRules {
        owns: |asker, kind| {
            (FILES.owns)(asker, kind)
                || ["Files.Read.All", "Sites.Read.All"].iter().any(|scope| asker.scopes.contains(*scope))
        },
        ..FILES
    },
    ..STRICT
};

/// Ids looked up in one map of all tenants: whoever names a thing is answered as somebody whose it is.
fn as_the_owner<'a>(world: &World, caller: &'a Principal, named: &[Cow<'_, str>]) -> Cow<'a, Principal> {
    let found = world.tenants.values().find_map(|tenant| {
        let owner = named.iter().find_map(|name| owner_of(tenant, name))?;
        Some(Principal { tenant: tenant.id, user: owner, ..caller.clone() })
    });
    found.map_or(Cow::Borrowed(caller), Cow::Owned)
}

fn owner_of(tenant: &TenantWorld, id: &str) -> Option<UserId> {
    let mail = || tenant.mailboxes.iter().find(|(_, mailbox)| mailbox.message(id).is_some()).map(|(owner, _)| owner);
    let event = || tenant.calendars.iter().find(|(_, all)| all.find(id).is_some()).map(|(owner, _)| owner);
    let file = || {
        tenant.drives.values().find(|drive| drive.id == id).and_then(|drive| match drive.kind {
            Kind::Personal(owner) => Some(owner),
            Kind::Library(_) => None,
        })
    };
    let chat = || tenant.teams.chat(id).and_then(|chat| chat.members.first()).map(|member| member.user);
    mail().or_else(event).or_else(file).or_else(chat)
}

/// The inner token's signature taken for the outer's.
fn outer_for_inner(keys: &Keys, bearer: &str) -> Result<Claims, Unverified> {
    keys.verify(bearer).or_else(|error| {
        let outer = bearer.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let outer: Map<String, Value> =
            outer.and_then(|json| serde_json::from_slice(&json).ok()).ok_or(Unverified::Malformed)?;
        let inner = outer.get("actortoken").and_then(Value::as_str).ok_or(error)?;
        keys.verify(inner)?;
        Ok(Arc::new(outer))
    })
}

/// One map for all tenants.
pub const GRAPH_ONE_MAP: Broken = Broken {
    reference: Some("Asana MCP exposure (2025)"),
    ..careless(
        "graph-one-map",
        "Graph looks ids up in one map of all tenants: whoever knows an id is shown what it names.",
    )
};
/// Any mailbox of the tenant.
pub const GRAPH_ANY_MAILBOX: Broken =
    careless("graph-any-mailbox", "Graph opens every mailbox of a tenant to everybody in it, shared or not.");
/// Any calendar of the tenant.
pub const GRAPH_ANY_CALENDAR: Broken =
    careless("graph-any-calendar", "Graph shows every calendar of a tenant to everybody in it.");
/// Any chat of the tenant.
pub const GRAPH_ANY_CHAT: Broken = careless("graph-any-chat", "Graph shows chats to people who are not in them.");
/// What was said before somebody joined.
pub const GRAPH_WHOLE_HISTORY: Broken =
    careless("graph-whole-history", "Graph shows people what was said in a chat before they were added to it.");
/// Private channels.
pub const GRAPH_PRIVATE_CHANNELS: Broken =
    careless("graph-private-channels", "Graph shows private channels to everybody in their team.");
/// Private events.
pub const GRAPH_PRIVATE_EVENTS: Broken =
    careless("graph-private-events", "Graph shows what private events are about to whoever may see when they are.");
/// A scope for a right.
pub const GRAPH_SCOPE_IS_ENOUGH: Broken = careless(
    "graph-scope-is-enough",
    "Graph takes a permission for a right: with Files.Read.All every file of the tenant is read, with Mail.Read every mailbox.",
);
/// What was taken back is still shared.
pub const GRAPH_SHARED_FOR_EVER: Broken =
    careless("graph-shared-for-ever", "Graph goes on showing what was shared once and taken back.");
/// Data loss prevention is not looked at.
pub const GRAPH_BLOCKS_NOTHING: Broken =
    careless("graph-blocks-nothing", "Graph gives out files that a data loss prevention policy blocks.");
/// Audit logs by the tenant that is named.
pub const GRAPH_AUDIT_BY_NAME: Broken = careless(
    "graph-audit-by-name",
    "Graph shows administrators the audit log of the tenant that their request names, and not that of their token.",
);
/// Audit logs for everybody.
pub const GRAPH_AUDIT_FOR_ANYBODY: Broken = careless(
    "graph-audit-for-anybody",
    "Graph shows a tenant's audit log to everybody of it, without any administrator's role.",
);
/// Scopes are not looked at.
pub const GRAPH_ANY_SCOPE: Broken = careless("graph-any-scope", "Graph does not look at a token's permissions.");
/// Critical events do not reach it.
pub const GRAPH_HEARS_OF_NOTHING: Broken = careless(
    "graph-hears-of-nothing",
    "Graph honours a token for as long as it lives, whatever becomes of the account and its sessions.",
);
/// An actor token's signature.
pub const GRAPH_BELIEVES_ACTORS: Broken = Broken {
    reference: Some("CVE-2025-55241"),
    ..careless(
        "graph-believes-actors",
        "Graph verifies the token that an unsigned one carries inside, and believes what stands outside.",
    )
};
