//! Next links: absolute, and no credential.
//!
//! Outlook's links carry `$skip`, which says nothing about anybody. Where a link carries an opaque `$skiptoken`, it is bound to the caller
//! and to the query, so that it continues nothing else.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::principal::Principal;

/// Makes and reads `$skiptoken`.
#[derive(Debug)]
pub(super) struct Links {
    key: hmac::Key,
}

impl Links {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// A token that continues `query` of this caller after `offset` items.
    pub(super) fn token(&self, principal: &Principal, query: &str, offset: usize) -> String {
        let offset = (offset as u64).to_be_bytes();
        let tag = hmac::sign(&self.key, &bound(principal, query, offset));
        let mut token = offset.to_vec();
        token.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Where to go on; `None` when the token is not ours, another caller's, or another query's.
    pub(super) fn offset(&self, principal: &Principal, query: &str, token: &str) -> Option<usize> {
        let token = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (offset, tag) = token.split_first_chunk::<8>()?;
        hmac::verify(&self.key, &bound(principal, query, *offset), tag).ok()?;
        usize::try_from(u64::from_be_bytes(*offset)).ok()
    }
}

fn bound(principal: &Principal, query: &str, offset: [u8; 8]) -> Vec<u8> {
    let mut bound = offset.to_vec();
    bound.extend_from_slice(principal.tenant.0.as_bytes());
    bound.extend_from_slice(principal.user.0.as_bytes());
    bound.extend_from_slice(principal.client.0.as_bytes());
    bound.extend_from_slice(query.as_bytes());
    bound
}
