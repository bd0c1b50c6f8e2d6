//! Every question of trust that the host answers, one field each: facts in, verdict out, no I/O.
//!
//! | question | field |
//! |---|---|
//! | may an organization with this plan and this switch use the connector; may this person turn the switch? | `gate`, `may_switch` |
//! | may this account be connected for this organization? | `account` |
//! | may this callback finish that sign-in? | `finish` |
//! | does the id_token prove who signed in? | `id_token_rules` |
//! | did the issuer that was asked answer? | `callback_issuer` |
//! | is a request with a cookie the page's own? | `own_page` |
//! | which bytes bind a sealed row to its owner? | `bound_to` |
//! | when is a token renewed, and when is a connection dead? | `renewal` |
//! | who may be let into a chat; what may somebody do there? | `may_share`, `chat_access` |
//! | who sees the raw result of a tool call? | `shows_result` |
//! | is a tool on, here and now? | `tool_on` |
//! | what does the issuer's refusal mean for the person? | `sign_in_failure` |

use std::collections::BTreeSet;

use jiff::SignedDuration;
use uuid::{Uuid, uuid};

use super::connect::{ID_TOKEN_RULES, IdTokenRule};
use super::issuer::SignInFailure;
use super::member::{HostUser, Member};
use super::organizations::{Closed, Plan};
use crate::oauth;

/// The tenant of all personal Microsoft accounts.
pub const PERSONAL_ACCOUNTS: Uuid = uuid!("9188040d-6c67-4c5b-b112-36a304b66dad");

/// A token with less than this left is renewed before it is used: longer than any call takes.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// A refresh token dies of disuse after this time
/// (<https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-lifetime>).
const UNUSED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The decisions of a host. [`HostPolicy::STRICT`] is the one that ships.
#[derive(Clone, Copy)]
pub struct HostPolicy {
    /// May members use the connector now?
    pub gate: fn(Standing) -> Result<(), Closed>,
    /// May this person turn the organization's switch?
    pub may_switch: fn(Standing) -> Result<(), Closed>,
    /// May this account be kept?
    pub account: fn(&Candidate<'_>) -> Result<(), Unfit>,
    /// May this callback finish that sign-in?
    pub finish: fn(&Finisher<'_>) -> Result<(), Stranger>,
    /// What must hold of an id_token.
    pub id_token_rules: &'static [IdTokenRule],
    /// Is the callback's `iss` (RFC 9207) the issuer that was asked? Takes what was expected and what came, if anything.
    pub callback_issuer: fn(&str, Option<&str>) -> bool,
    /// Is a request that is known by its cookie the page's own?
    pub own_page: fn(&Ambient<'_>) -> bool,
    /// The bytes that bind a sealed row to its owner, before the row's head.
    pub bound_to: fn(&Member, &str) -> Vec<u8>,
    /// What is done about a token of this age?
    pub renewal: fn(&Age) -> Renew,
    /// May this person let that one into a chat of theirs? The first is the chat's owner.
    pub may_share: fn(&Member, &Member) -> bool,
    /// What may this person do in this chat?
    pub chat_access: fn(&Member, &ChatFacts<'_>) -> ChatAccess,
    /// Does this person see the raw result of a tool call?
    pub shows_result: fn(&ResultFacts<'_>) -> bool,
    /// Is a tool on?
    pub tool_on: fn(&Toggles<'_>, &str) -> bool,
    /// What does the issuer's refusal mean? Takes the OAuth error and the issuer's number.
    pub sign_in_failure: fn(&str, Option<u32>) -> SignInFailure,
}

/// How somebody stands to their organization.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// The organization's plan.
    pub plan: Plan,
    /// Whether an owner has the connector on.
    pub enabled: bool,
    /// Whether this person owns the organization.
    pub owner: bool,
}

/// An account that signed in.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its tenant.
    pub tenant: Uuid,
    /// The tenants that the organization works with.
    pub allowed: &'a BTreeSet<Uuid>,
}

/// Why an account is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// A personal Microsoft account.
    Personal,
    /// An account of a tenant that the organization does not work with.
    ForeignTenant,
}

/// Who comes back from a sign-in.
#[derive(Debug, Clone, Copy)]
pub struct Finisher<'a> {
    /// Who started it.
    pub started_by: &'a Member,
    /// Whether it was started on the host's page, by somebody with a session.
    pub started_on_page: bool,
    /// Whether the browser is the one that started.
    pub same_browser: bool,
    /// Who the browser says it is signed in to the host as: user, and organization where that is known.
    pub asker: Option<(&'a HostUser, Option<&'a Member>)>,
}

/// Why a callback is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stranger {
    /// Another browser than the one that started.
    OtherBrowser,
    /// The right browser, but somebody else is signed in to the host in it, or nobody any more.
    OtherUser,
}

/// What a request with a session cookie brings along. Cookies travel by themselves, so a change needs proof that our page sent it.
#[derive(Debug, Clone, Copy)]
pub struct Ambient<'a> {
    /// Whether the method changes nothing.
    pub reads: bool,
    /// `Origin`, if the browser said so.
    pub origin: Option<&'a str>,
    /// Our own origin.
    pub own: &'a str,
    /// `Sec-Fetch-Site`, if the browser said so.
    pub fetch_site: Option<&'a str>,
    /// Whether the session's anti-forgery token came along.
    pub token_matches: bool,
}

/// How old a connection is.
#[derive(Debug, Clone, Copy)]
pub struct Age {
    /// What the access token has left.
    pub left: SignedDuration,
    /// Since the refresh token was issued or used.
    pub unused: SignedDuration,
}

/// What is done about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renew {
    /// It is used.
    No,
    /// It is renewed first.
    First,
    /// It cannot be renewed any more.
    Dead,
}

/// Whose chat, and who was let in.
#[derive(Debug, Clone, Copy)]
pub struct ChatFacts<'a> {
    /// The chat's owner.
    pub owner: &'a Member,
    /// Colleagues who were let in, in the same organization.
    pub shared_with: &'a BTreeSet<HostUser>,
}

/// What somebody may do in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatAccess {
    /// Nothing: it does not exist for them.
    None,
    /// Read answers, and ask with their own connection.
    Guest,
    /// Everything: share it, switch tools in it, delete it.
    Owner,
}

/// Who looks at the result of whose call.
#[derive(Debug, Clone, Copy)]
pub struct ResultFacts<'a> {
    /// Who looks.
    pub viewer: &'a Member,
    /// Who made the call.
    pub asker: &'a Member,
    /// Whether the connector is on for them.
    pub open: bool,
}

/// Tools that are off, by where they were switched.
#[derive(Debug, Clone, Copy)]
pub struct Toggles<'a> {
    /// By the person, everywhere.
    pub user: &'a BTreeSet<String>,
    /// In this chat.
    pub chat: Option<&'a BTreeSet<String>>,
    /// In this browser session.
    pub session: Option<&'a BTreeSet<String>>,
}

impl HostPolicy {
    /// The policy that ships.
    pub const STRICT: Self = Self {
        gate,
        may_switch,
        account,
        finish,
        id_token_rules: ID_TOKEN_RULES,
        callback_issuer,
        own_page,
        bound_to,
        renewal,
        may_share,
        chat_access,
        shows_result,
        tool_on,
        sign_in_failure: SignInFailure::from_wire,
    };
}

fn gate(standing: Standing) -> Result<(), Closed> {
    if !standing.plan.includes_connector() {
        return Err(Closed::PlanWithoutConnector);
    }
    if standing.enabled { Ok(()) } else { Err(Closed::Disabled) }
}

fn may_switch(standing: Standing) -> Result<(), Closed> {
    if !standing.owner {
        return Err(Closed::NotAnOwner);
    }
    if standing.plan.includes_connector() { Ok(()) } else { Err(Closed::PlanWithoutConnector) }
}

fn account(candidate: &Candidate<'_>) -> Result<(), Unfit> {
    if candidate.tenant == PERSONAL_ACCOUNTS {
        return Err(Unfit::Personal);
    }
    if candidate.allowed.contains(&candidate.tenant) { Ok(()) } else { Err(Unfit::ForeignTenant) }
}

fn finish(finisher: &Finisher<'_>) -> Result<(), Stranger> {
    if !finisher.same_browser {
        return Err(Stranger::OtherBrowser);
    }
    match finisher.asker {
        None if finisher.started_on_page => Err(Stranger::OtherUser),
        None => Ok(()),
        Some((user, member)) => {
            let same = *user == finisher.started_by.user && member.is_none_or(|member| member == finisher.started_by);
            if same { Ok(()) } else { Err(Stranger::OtherUser) }
        }
    }
}

/// Entra sends no `iss` (its metadata does not promise one), so none is no sign of a mix-up; a wrong one is.
fn callback_issuer(expected: &str, came: Option<&str>) -> bool {
    oauth::issuer_answers(expected, false, came)
}

fn own_page(ambient: &Ambient<'_>) -> bool {
    let same_origin = ambient.origin.is_none_or(|origin| origin == ambient.own);
    let same_site = ambient.fetch_site.is_none_or(|site| site == "same-origin" || (ambient.reads && site == "none"));
    same_site && (ambient.reads || (same_origin && ambient.token_matches))
}

/// Each part preceded by its length, so that no two owners share the same bytes.
fn bound_to(member: &Member, record: &str) -> Vec<u8> {
    let mut bytes = Vec::from(&b"offline365 host vault"[..]);
    for part in [member.organization.as_str(), member.user.as_str(), record] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

fn renewal(age: &Age) -> Renew {
    if age.left > AHEAD {
        Renew::No
    } else if age.unused > UNUSED {
        Renew::Dead
    } else {
        Renew::First
    }
}

fn may_share(owner: &Member, colleague: &Member) -> bool {
    owner.organization == colleague.organization && owner.user != colleague.user
}

fn chat_access(member: &Member, chat: &ChatFacts<'_>) -> ChatAccess {
    if member == chat.owner {
        ChatAccess::Owner
    } else if member.organization == chat.owner.organization && chat.shared_with.contains(&member.user) {
        ChatAccess::Guest
    } else {
        ChatAccess::None
    }
}

fn shows_result(facts: &ResultFacts<'_>) -> bool {
    facts.open && facts.viewer == facts.asker
}

fn tool_on(toggles: &Toggles<'_>, tool: &str) -> bool {
    let off = |tools: &BTreeSet<String>| tools.contains(tool);
    !(off(toggles.user) || toggles.chat.is_some_and(off) || toggles.session.is_some_and(off))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn member(organization: &str, user: &str) -> Member {
        Member::new(organization, user)
    }

    proptest! {
        #[test]
        fn two_owners_never_share_their_binding(
            one in ("[a-c]{0,3}", "[a-c]{0,3}", "[a-c/]{0,3}"),
            other in ("[a-c]{0,3}", "[a-c]{0,3}", "[a-c/]{0,3}"),
        ) {
            let bytes = |(organization, user, record): &(String, String, String)| {
                bound_to(&member(organization, user), record)
            };
            prop_assert_eq!(bytes(&one) == bytes(&other), one == other);
        }

        #[test]
        fn only_the_asker_sees_a_result_and_only_while_the_gate_is_open(
            viewer in ("[ab]", "[ab]"), asker in ("[ab]", "[ab]"), open: bool,
        ) {
            let same = viewer == asker;
            let (viewer, asker) = (member(&viewer.0, &viewer.1), member(&asker.0, &asker.1));
            prop_assert_eq!(shows_result(&ResultFacts { viewer: &viewer, asker: &asker, open }), same && open);
        }

        #[test]
        fn a_tool_is_on_unless_it_was_switched_off_somewhere(user: bool, chat: Option<bool>, session: Option<bool>) {
            let set = |off: bool| if off { BTreeSet::from(["t".to_owned()]) } else { BTreeSet::from(["u".to_owned()]) };
            let (of_user, of_chat, of_session) = (set(user), chat.map(set), session.map(set));
            let toggles = Toggles { user: &of_user, chat: of_chat.as_ref(), session: of_session.as_ref() };
            prop_assert_eq!(tool_on(&toggles, "t"), !(user || chat == Some(true) || session == Some(true)));
        }
    }

    #[test]
    fn a_request_from_elsewhere_changes_nothing() {
        let own = "https://host.example";
        let good =
            Ambient { reads: false, origin: Some(own), own, fetch_site: Some("same-origin"), token_matches: true };
        assert!(own_page(&good));
        assert!(own_page(&Ambient { origin: None, fetch_site: None, ..good }), "an old browser with the token");
        for bad in [
            Ambient { token_matches: false, ..good },
            Ambient { origin: Some("https://evil.example"), ..good },
            Ambient { origin: Some("null"), ..good },
            Ambient { fetch_site: Some("cross-site"), ..good },
            Ambient { fetch_site: Some("same-site"), ..good },
            Ambient { fetch_site: Some("none"), ..good },
            Ambient { reads: true, fetch_site: Some("cross-site"), ..good },
        ] {
            assert!(!own_page(&bad), "{bad:?}");
        }
    }

    #[test]
    fn a_sign_in_is_finished_where_and_by_whom_it_was_started() {
        let (alice, bob, elsewhere) =
            (member("contoso", "alice"), member("contoso", "bob"), member("fabrikam", "alice"));
        let base = Finisher { started_by: &alice, started_on_page: true, same_browser: true, asker: None };
        assert_eq!(finish(&Finisher { asker: Some((&alice.user, Some(&alice))), ..base }), Ok(()));
        assert_eq!(finish(&Finisher { started_on_page: false, ..base }), Ok(()));
        assert_eq!(finish(&Finisher { started_on_page: false, asker: Some((&alice.user, None)), ..base }), Ok(()));
        assert_eq!(finish(&base), Err(Stranger::OtherUser));
        assert_eq!(finish(&Finisher { asker: Some((&bob.user, Some(&bob))), ..base }), Err(Stranger::OtherUser));
        assert_eq!(
            finish(&Finisher { asker: Some((&alice.user, Some(&elsewhere))), ..base }),
            Err(Stranger::OtherUser)
        );
        assert_eq!(finish(&Finisher { same_browser: false, ..base }), Err(Stranger::OtherBrowser));
    }

    #[test]
    fn plans_for_one_person_have_no_connector() {
        for plan in [Plan::Free, Plan::Pro, Plan::Max] {
            let standing = Standing { plan, enabled: true, owner: true };
            assert_eq!(gate(standing), Err(Closed::PlanWithoutConnector));
            assert_eq!(may_switch(standing), Err(Closed::PlanWithoutConnector));
        }
        for plan in [Plan::Team, Plan::Enterprise] {
            let standing = Standing { plan, enabled: true, owner: false };
            assert_eq!(gate(standing), Ok(()));
            assert_eq!(gate(Standing { enabled: false, ..standing }), Err(Closed::Disabled));
            assert_eq!(may_switch(standing), Err(Closed::NotAnOwner));
        }
    }
}
