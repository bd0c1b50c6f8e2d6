//! Where a request comes from. The listener says so in a header of its own, as a reverse proxy does, so that whoever holds the headers
//! of a request can ask; what a client sends under that name is dropped.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::entra::rules::IssuerRules;
use crate::live::ClientAddress;

const HEADER: HeaderName = HeaderName::from_static("x-offline365-client-address");

/// Writes down where a request comes from, by the setting that holds now.
pub(super) fn mark(headers: &mut HeaderMap, peer: Option<IpAddr>, setting: ClientAddress, rules: &IssuerRules) {
    headers.remove(HEADER);
    let address = (rules.address)(headers, peer, setting);
    if let Some(value) = address.and_then(|address| HeaderValue::try_from(address.to_string()).ok()) {
        headers.insert(HEADER, value);
    }
}

/// From where the connection comes, unless the setting says otherwise: what a client writes about itself counts only where a proxy of
/// ours is known to write it.
pub(crate) fn origin(headers: &HeaderMap, peer: Option<IpAddr>, setting: ClientAddress) -> Option<IpAddr> {
    match setting {
        ClientAddress::Connection => peer,
        ClientAddress::Forwarded => forwarded(headers).or(peer),
        ClientAddress::Fixed(address) => Some(address),
    }
}

/// The address of the client behind a request.
pub(crate) fn of(headers: &HeaderMap) -> Option<IpAddr> {
    headers.get(HEADER)?.to_str().ok()?.parse().ok()
}

/// The first address of `X-Forwarded-For`: the client, as the nearest proxy heard of it.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    headers.get("x-forwarded-for")?.to_str().ok()?.split(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_says_themselves_where_they_are_unless_the_lab_lets_them() {
        let mut headers = HeaderMap::new();
        let peer: IpAddr = "127.0.0.1".parse().unwrap();
        headers.insert(HEADER, HeaderValue::from_static("203.0.113.1"));
        headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.9, 10.0.0.1"));
        for (setting, expected) in [
            (ClientAddress::Connection, "127.0.0.1"),
            (ClientAddress::Forwarded, "203.0.113.9"),
            (ClientAddress::Fixed("10.20.0.7".parse().unwrap()), "10.20.0.7"),
        ] {
            mark(&mut headers, Some(peer), setting, &IssuerRules::STRICT);
            assert_eq!(of(&headers), expected.parse().ok());
        }
        mark(&mut headers, None, ClientAddress::Connection, &IssuerRules::STRICT);
        assert_eq!(of(&headers), None);
    }
}
