//! What ties a page that is posted to the page that was shown, and says how it goes on.
//!
//! Field names are the real ones: `ctx` says which request the page belongs to, `flowToken` when it was shown, `canary` in which
//! browser. The real values are encrypted; `ctx` here is readable and worth nothing without the other two.

use aws_lc_rs::hmac;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::authorize::session::Somebody;
use super::error::EntraError;
use super::form::Form;
use super::keys::Version;
use super::visit::Visit;
use super::{consent, device};

/// How long a page may lie open, in seconds. The real term is not public.
const LIFETIME_SECONDS: i64 = 3_600;

/// What a sign-in is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// An authorization request.
    Authorize(Version),
    /// An administrator's consent for everybody.
    AdminConsent(Version),
    /// A code that a device shows.
    Device,
}

impl Step {
    const ALL: [Self; 5] = [
        Self::Authorize(Version::V2),
        Self::Authorize(Version::V1),
        Self::AdminConsent(Version::V2),
        Self::AdminConsent(Version::V1),
        Self::Device,
    ];

    /// The endpoint's path below the tenant.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Authorize(Version::V2) => "oauth2/v2.0/authorize",
            Self::Authorize(Version::V1) => "oauth2/authorize",
            Self::AdminConsent(Version::V2) => "v2.0/adminconsent",
            Self::AdminConsent(Version::V1) => "adminconsent",
            Self::Device => "oauth2/deviceauth",
        }
    }

    /// Goes on with the request, now that somebody signed in.
    pub(super) fn resume<'s>(self, visit: &Visit<'s>, form: &Form, somebody: Somebody<'s>) -> Response {
        match self {
            Self::Authorize(version) => visit.authorize(version, form, Some(somebody)),
            Self::AdminConsent(version) => consent::ask(visit, version, form, Some(somebody)),
            Self::Device => device::page(visit, form, Some(somebody)),
        }
    }
}

/// The hidden fields of a page.
#[derive(Debug)]
pub(super) struct Fields {
    ctx: String,
    flow_token: String,
    canary: String,
}

impl Fields {
    /// Names and values, as they stand in a form.
    pub(super) fn pairs(&self) -> [(&str, &str); 3] {
        [("ctx", &self.ctx), ("flowToken", &self.flow_token), ("canary", &self.canary)]
    }
}

impl Visit<'_> {
    /// The fields of a page for this request, shown to a browser whose session cookie is `session`.
    pub(super) fn fields(&self, step: Step, form: &Form, session: Option<&str>) -> Fields {
        let ctx = format!("{}?{}", step.path(), form.encode());
        let shown = self.trace.now.as_second().to_be_bytes();
        let mut flow_token = shown.to_vec();
        flow_token.extend_from_slice(self.seal("flow", &[&shown, ctx.as_bytes()]).as_ref());
        Fields {
            flow_token: URL_SAFE_NO_PAD.encode(flow_token),
            canary: URL_SAFE_NO_PAD.encode(self.seal("canary", &[session.unwrap_or_default().as_bytes()])),
            ctx,
        }
    }

    /// What a posted page belongs to: it was shown here, not too long ago, to this browser.
    pub(super) fn posted(&self, form: &Form, session: Option<&str>) -> Result<(Step, Form), EntraError> {
        let field = |name| form.get(name).ok_or(EntraError::FieldMissing(name));
        let ctx = field("ctx")?;
        let canary = URL_SAFE_NO_PAD.decode(field("canary")?).unwrap_or_default();
        let flow_token = URL_SAFE_NO_PAD.decode(field("flowToken")?).unwrap_or_default();
        let expected = self.seal("canary", &[session.unwrap_or_default().as_bytes()]);
        let (shown, seal) = flow_token.split_first_chunk::<8>().ok_or(EntraError::PageOfOtherSession)?;
        let sealed = self.seal("flow", &[shown, ctx.as_bytes()]);
        if !bool::from(expected.as_ref().ct_eq(&canary) & sealed.as_ref().ct_eq(seal)) {
            return Err(EntraError::PageOfOtherSession);
        }
        if self.trace.now.as_second().saturating_sub(i64::from_be_bytes(*shown)) > LIFETIME_SECONDS {
            return Err(EntraError::FlowTokenExpired);
        }
        let (path, query) = ctx.split_once('?').ok_or(EntraError::Malformed)?;
        let step = Step::ALL.into_iter().find(|step| step.path() == path).ok_or(EntraError::Malformed)?;
        Ok((step, Form::parse(query)?))
    }

    fn seal(&self, purpose: &str, parts: &[&[u8]]) -> hmac::Tag {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.state.seed.key("pages"));
        let mut context = hmac::Context::with_key(&key);
        context.update(purpose.as_bytes());
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign()
    }
}
