//! What must hold about an answer: each expectation is recorded, and the first that does not hold ends the check.

use std::borrow::Cow;
use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;

use super::Bench;
use super::reply::Reply;
use crate::check::{Feature, Finding, Layer};
use crate::recorder::Expectation;

/// The class of refusal that is right.
#[derive(Debug, Clone)]
pub struct Refusal {
    status: u16,
    code: Cow<'static, str>,
    by: Layer,
}

impl Refusal {
    /// The token is refused: 401 and a challenge that says so, before anybody else is asked.
    pub const INVALID_TOKEN: Self = Self { status: 401, code: Cow::Borrowed("invalid_token"), by: Layer::Connector };

    /// The request is refused before MCP.
    pub const fn forbidden(code: &'static str) -> Self {
        Self { status: 403, code: Cow::Borrowed(code), by: Layer::Connector }
    }

    /// A tool says that it failed.
    pub const fn tool(code: &'static str, by: Layer) -> Self {
        Self { status: 200, code: Cow::Borrowed(code), by }
    }

    /// Any class of refusal.
    pub fn of(status: u16, code: &str, by: Layer) -> Self {
        Self { status, code: Cow::Owned(code.to_owned()), by }
    }
}

/// What a refusal says where it carries no code of ours: that nobody is signed in, or that the request is refused.
fn class(status: u16) -> &'static str {
    match status {
        401 => "not signed in",
        // A tool that says that it failed answers 200.
        200..500 => "refused",
        _ => "failed",
    }
}

/// Who answers 403 knows who asks: the token was believed.
const GATES: &[&str] = &["tenant_not_enabled", "connector_disabled", "insufficient_scope"];

impl Bench {
    /// Records whether a claim held.
    pub fn expect(&mut self, claim: &str, expected: &str, observed: &str, held: bool) -> Result<(), Finding> {
        self.note(claim, expected, observed, held);
        if held { Ok(()) } else { Err(Finding::Fail(format!("{claim}: expected {expected}, saw {observed}"))) }
    }

    fn note(&mut self, claim: &str, expected: &str, observed: &str, held: bool) {
        self.recorder.expectation(Expectation {
            claim: claim.to_owned(),
            expected: expected.to_owned(),
            observed: observed.to_owned(),
            held,
        });
    }

    /// It was refused, so and by that part. Served is a failure; refused in another way or by another part shows nothing.
    pub fn expect_refused(&mut self, claim: &str, reply: &Reply, refusal: Refusal) -> Result<(), Finding> {
        let expected = if self.doors.features.contains(&Feature::ErrorCodes) {
            format!("HTTP {}, {}, refused by the {}", refusal.status, refusal.code, refusal.by)
        } else {
            format!("{}, by the {}", class(refusal.status), refusal.by)
        };
        let observed = reply.summary();
        self.note(&format!("{claim}: not served"), "a refusal", &observed, !reply.served());
        if reply.served() {
            return Err(Finding::Fail(format!("{claim}: it was served")));
        }
        let right = if self.doors.features.contains(&Feature::ErrorCodes) {
            reply.status == refusal.status && reply.code().as_deref() == Some(&*refusal.code)
        } else {
            class(reply.status) == class(refusal.status)
        };
        let held = right && reply.refused_by() == Some(refusal.by);
        self.note(claim, &expected, &observed, held);
        if held { Ok(()) } else { Err(Finding::Inconclusive(format!("{claim}: expected {expected}, saw {observed}"))) }
    }

    /// The token was refused, and nobody but the connector heard of the request.
    pub fn expect_token_refused(&mut self, claim: &str, reply: &Reply) -> Result<(), Finding> {
        let exchanges = reply.exchanges().count();
        self.expect(
            &format!("{claim}: no exchange of it reached the issuer"),
            "0 On-Behalf-Of requests",
            &format!("{exchanges}"),
            exchanges == 0,
        )?;
        // A gate that only looks at believed tokens has looked at this one.
        let gate = reply.code().filter(|code| reply.status == 403 && GATES.contains(&code.as_str()));
        let observed = gate.clone().unwrap_or_else(|| "none".to_owned());
        self.expect(&format!("{claim}: no later gate saw it"), "none", &observed, gate.is_none())?;
        self.expect_refused(claim, reply, Refusal::INVALID_TOKEN)
    }

    /// The answer holds nothing that this person may not read: every canary in it is one of theirs.
    pub fn expect_only_own(&mut self, claim: &str, reply: &Reply) -> Result<(), Finding> {
        let foreign = self.foreign_canaries(reply);
        let observed = if foreign.is_empty() { "none".to_owned() } else { foreign.join(", ") };
        self.expect(&format!("{claim}: content of others"), "none", &observed, foreign.is_empty())
    }

    /// The handles of what shows in an answer to somebody who may not see it: mail, events, files, pages, list items, chats.
    fn foreign_canaries(&self, reply: &Reply) -> Vec<String> {
        let words = || AhoCorasick::new(self.plan.marks().map(|mark| mark.word)).ok();
        let Some(words) = self.words.get_or_init(words) else {
            return vec!["(the words cannot be looked for)".to_owned()];
        };
        let shown = words.find_overlapping_iter(&reply.body).map(|hit| hit.pattern().as_usize());
        let shown: BTreeSet<usize> = shown.collect();
        let marks = self.plan.marks().enumerate().filter(|(index, _)| shown.contains(index));
        marks.filter(|(_, mark)| !mark.is_for(&reply.actor)).map(|(_, mark)| mark.handle).collect()
    }

    /// Whether a header can be looked at: how a refusal is challenged is asked of targets whose refusals say more than a status. That a challenge
    /// is there at all is a check of its own.
    pub(crate) fn challenges_are_told(&self, header: &str, reply: &Reply) -> bool {
        let challenge = header.eq_ignore_ascii_case("www-authenticate") && !reply.served();
        !challenge || self.doors.features.contains(&Feature::ErrorCodes)
    }

    /// This status; of a refusal without a code of ours, its class.
    pub fn expect_status(&mut self, claim: &str, reply: &Reply, status: u16) -> Result<(), Finding> {
        let by_class = !reply.served() && !self.doors.features.contains(&Feature::ErrorCodes);
        let held = reply.status == status || by_class && class(reply.status) == class(status);
        let expected = if by_class { class(status).to_owned() } else { status.to_string() };
        self.expect(claim, &expected, &reply.summary(), held)
    }

    /// This code; of a target without codes of ours, a refusal.
    pub fn expect_code(&mut self, claim: &str, reply: &Reply, code: &str) -> Result<(), Finding> {
        if !self.doors.features.contains(&Feature::ErrorCodes) {
            return self.expect(claim, "a refusal", &reply.summary(), !reply.served());
        }
        let seen = reply.code().unwrap_or_else(|| "none".to_owned());
        self.expect(claim, code, &seen, seen == code)
    }

    /// A refusal that helps: it names the permission, and who can bring it back. Without codes of ours there is no place to look for that.
    pub fn expect_names(&mut self, refused: &Reply, permission: &str) -> Result<(), Finding> {
        if !self.doors.features.contains(&Feature::ErrorCodes) {
            return self.expect("the permission is missed", "a refusal", &refused.summary(), !refused.served());
        }
        let error = refused.error().unwrap_or_default();
        let field = |name: &str| error.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        let named = field("permission").split(' ').any(|named| named == permission)
            && refused.explanation().contains(permission);
        self.expect("the refusal names the permission", permission, &field("permission"), named)?;
        let admin = field("restoredBy") == "tenant admin";
        self.expect("and who can bring it back", "tenant admin", &field("restoredBy"), admin)
    }

    /// Two refusals that an outsider cannot tell apart: the same status and the same bytes, but for ids of the request itself.
    pub fn expect_same(&mut self, claim: &str, one: &Reply, other: &Reply) -> Result<(), Finding> {
        let (a, b) = (told_apart_by(one), told_apart_by(other));
        self.expect(claim, &a, &b, a == b)
    }
}

/// What an outsider could tell two answers apart by: everything but request ids.
fn told_apart_by(reply: &Reply) -> String {
    // What answers in plain HTTP has no result: then the whole body counts.
    let plain = || serde_json::from_slice(&reply.body).unwrap_or_else(|_| reply.text().into());
    let mut body: serde_json::Value = reply.result().cloned().unwrap_or_else(plain);
    strip_request_ids(&mut body);
    let code = reply.code().unwrap_or_default();
    format!("HTTP {} {code} {body}", reply.status)
}

fn strip_request_ids(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.retain(|name, _| name != "requestId" && name != "clientRequestId" && name != "correlationId");
            fields.values_mut().for_each(strip_request_ids);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(strip_request_ids),
        serde_json::Value::String(text) => {
            // The text block repeats the structured answer: without its request id the two are compared as JSON.
            if let Some(begin) = text.find('{')
                && let Ok(mut inner) = serde_json::from_str::<serde_json::Value>(text.get(begin..).unwrap_or_default())
            {
                strip_request_ids(&mut inner);
                *text = format!("{}{inner}", text.get(..begin).unwrap_or_default());
            }
        }
        _ => {}
    }
}
