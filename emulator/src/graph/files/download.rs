//! Addresses that need no token: who has one has the bytes, for an hour.
//!
//! <https://learn.microsoft.com/graph/api/driveitem-get-content>: a redirect to a pre-authenticated address on another host, short-lived.
//! The address carries what it opens and for whom, sealed; taking somebody's permission away does not close addresses that are out.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::ids::{AppId, TenantId, UserId};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::drive::{Drive, Item};
use crate::graph::route::Ask;
use crate::graph::view::View;
use crate::seed::Seed;

/// How long an address is good for.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// Makes addresses.
pub(super) struct Door<'a> {
    content: &'a str,
    key: hmac::Key,
    now: Timestamp,
}

/// What an address opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) client: AppId,
    pub(crate) expires: Timestamp,
    pub(crate) drive: String,
    pub(crate) item: String,
}

fn key(seed: &Seed) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &seed.key("download address"))
}

impl<'a> Door<'a> {
    pub(super) fn of(ask: &'a Ask<'_>) -> Self {
        Self { content: ask.content, key: key(ask.seed), now: ask.now }
    }

    /// The address of an item's bytes.
    pub(super) fn url(&self, view: &View<'_>, drive: &Drive, item: &Item) -> String {
        let principal = view.principal();
        let expires = self.now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX);
        let mut sealed = Vec::with_capacity(200);
        for id in [principal.tenant.0, principal.user.0, principal.client.0] {
            sealed.extend_from_slice(id.as_bytes());
        }
        sealed.extend_from_slice(&expires.as_second().to_be_bytes());
        sealed.extend_from_slice(drive.id.as_bytes());
        sealed.push(b' ');
        sealed.extend_from_slice(item.id.as_bytes());
        let tag = hmac::sign(&self.key, &sealed);
        sealed.extend_from_slice(tag.as_ref());
        let unique = item.unique;
        format!(
            "{}/_layouts/15/download.aspx?UniqueId={unique}&Translate=false&tempauth={}",
            self.content,
            URL_SAFE_NO_PAD.encode(sealed)
        )
    }
}

impl Ticket {
    /// Reads what `tempauth` says; `None` when it is not ours or was changed.
    pub(crate) fn read(seed: &Seed, text: &str) -> Option<Self> {
        const TAG: usize = 32;
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (said, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
        hmac::verify(&key(seed), said, tag).ok()?;
        let (tenant, rest) = said.split_first_chunk::<16>()?;
        let (user, rest) = rest.split_first_chunk::<16>()?;
        let (client, rest) = rest.split_first_chunk::<16>()?;
        let (expires, rest) = rest.split_first_chunk::<8>()?;
        let (drive, item) = std::str::from_utf8(rest).ok()?.split_once(' ')?;
        Some(Self {
            tenant: TenantId(Uuid::from_bytes(*tenant)),
            user: UserId(Uuid::from_bytes(*user)),
            client: AppId(Uuid::from_bytes(*client)),
            expires: Timestamp::from_second(i64::from_be_bytes(*expires)).ok()?,
            drive: drive.to_owned(),
            item: item.to_owned(),
        })
    }
}
