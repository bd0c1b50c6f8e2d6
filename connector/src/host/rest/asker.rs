//! Who asks? Whoever presents an API token of the host. Cookies sign nobody in, so no other site can ask in a person's name.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};

use super::super::error::{HostError, Refusal};
use super::super::member::HostUser;
use super::{Host, Services};

/// The person who asks.
pub(super) struct Asker(pub(super) HostUser);

impl FromRequestParts<Host> for Asker {
    type Rejection = HostError;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Self::Rejection> {
        asker(&parts.headers, host).map(Self).ok_or_else(|| Refusal::Unauthenticated.into())
    }
}

/// Who a request says it is from, where it does not have to say so.
pub(super) fn asker(headers: &HeaderMap, host: &Services) -> Option<HostUser> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, api_token) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return None;
    }
    host.users.authenticate(api_token.trim())
}
