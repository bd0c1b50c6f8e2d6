//! May this link be followed with a token? Only to the configured Graph origin, and there only to lists that this server reads
//! anyway: addresses in answers are data. May a file be fetched from here? Only from the origins that the configuration names for
//! it, and without a token.

use std::str::FromStr;

use http::HeaderValue;
use secrecy::SecretString;
use url::{Host, Url};

use crate::config;

/// The link leads elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a link in Graph's answer leads away from Graph")]
pub struct ForeignLink;

/// The lists that have next links, below `/v1.0` and the mailbox; `{}` stands for one id.
const LISTS: &[&[&str]] = &[
    &["messages"],
    &["messages", "{}", "attachments"],
    &["mailFolders"],
    &["mailFolders", "{}", "childFolders"],
    &["mailFolders", "{}", "messages"],
];

/// The same for those below a drive, which belongs to nobody's mailbox.
const DRIVE_LISTS: &[&[&str]] = &[&["items", "{}", "children"], &["root", "children"]];

/// An origin that files may be fetched from: `https://files.contoso.example`, or `https://*.sharepoint.com` for every name below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadOrigin {
    scheme: String,
    host: String,
    below: bool,
    port: Option<u16>,
}

/// Not an origin that files can be fetched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an https origin such as https://*.sharepoint.com; http is for this machine only")]
pub struct NotAnOrigin;

impl FromStr for DownloadOrigin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let (scheme, rest) = text.split_once("://").ok_or(NotAnOrigin)?;
        let (below, host) = rest.strip_prefix("*.").map_or((false, rest), |host| (true, host));
        let url = Url::parse(&format!("{scheme}://{host}")).map_err(|_| NotAnOrigin)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let nobody = url.username().is_empty() && url.password().is_none();
        let name = url.host_str().ok_or(NotAnOrigin)?.to_owned();
        // `https://*.com` would be everybody.
        let narrow =
            !name.contains('*') && (!below || (name.contains('.') && matches!(url.host(), Some(Host::Domain(_)))));
        let safe = url.scheme() == "https" || (url.scheme() == "http" && !below && config::is_loopback(&url));
        if !(bare && nobody && narrow && safe) {
            return Err(NotAnOrigin);
        }
        Ok(Self { scheme: url.scheme().to_owned(), host: name, below, port: url.port_or_known_default() })
    }
}

impl DownloadOrigin {
    fn has(&self, url: &Url) -> bool {
        let name = url.host_str().unwrap_or_default();
        let named = if self.below {
            name.strip_suffix(&self.host).is_some_and(|label| label.len() > 1 && label.ends_with('.'))
        } else {
            name == self.host
        };
        named && url.scheme() == self.scheme && url.port_or_known_default() == self.port
    }
}

/// Where Graph's redirect to a file's content leads, if files are fetched from there.
pub(super) fn download(link: &str, allowed: &[DownloadOrigin]) -> Result<Url, ForeignLink> {
    let link = Url::parse(link).map_err(|_| ForeignLink)?;
    let plain = link.username().is_empty() && link.password().is_none() && link.fragment().is_none();
    if plain && allowed.iter().any(|origin| origin.has(&link)) { Ok(link) } else { Err(ForeignLink) }
}

/// What of Graph's token goes along to the address of a file's content? Nothing: the address is authorised by itself
/// (<https://learn.microsoft.com/graph/api/driveitem-get-content>).
pub(super) fn download_token(_token: &SecretString) -> Option<HeaderValue> {
    None
}

/// Parsed origins are compared, never prefixes: `https://graph.microsoft.com@evil.example/` begins well, too.
pub(super) fn follow(link: &str, graph: &Url) -> Result<Url, ForeignLink> {
    let link = Url::parse(link).map_err(|_| ForeignLink)?;
    let plain = link.username().is_empty() && link.password().is_none() && link.fragment().is_none();
    let same = link.origin() == graph.origin() && link.origin().is_tuple();
    if plain && same && is_list(link.path()) { Ok(link) } else { Err(ForeignLink) }
}

fn is_list(path: &str) -> bool {
    let Some(path) = path.strip_prefix("/v1.0/") else { return false };
    let segments: Vec<_> = path.split('/').collect();
    let (lists, rest) = match segments.as_slice() {
        ["drives", drive, rest @ ..] if is_id(drive) => (DRIVE_LISTS, rest),
        ["me", rest @ ..] => (LISTS, rest),
        ["users", user, rest @ ..] if is_id(user) => (LISTS, rest),
        // Graph writes next links of a named user so, too.
        [user, rest @ ..] if user.strip_prefix("users(").is_some_and(|key| key.ends_with(')') && is_id(key)) => {
            (LISTS, rest)
        }
        _ => return false,
    };
    lists.iter().any(|list| {
        list.len() == rest.len()
            && list
                .iter()
                .zip(rest)
                .all(|(known, segment)| if *known == "{}" { is_id(segment) } else { known == segment })
    })
}

/// One segment that stays one however it is decoded.
fn is_id(segment: &str) -> bool {
    let lower = segment.to_ascii_lowercase();
    !segment.is_empty() && !["%2f", "%5c", "%00"].iter().any(|hidden| lower.contains(hidden)) && !segment.contains('\\')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph() -> Url {
        Url::parse("https://graph.microsoft.com").unwrap()
    }

    #[test]
    fn graphs_own_next_link_is_followed() {
        let link = "https://graph.microsoft.com/v1.0/me/messages?$skiptoken=abc";
        assert_eq!(follow(link, &graph()).unwrap().as_str(), link);
        for link in [
            "https://graph.microsoft.com:443/v1.0/me/messages?$skip=10",
            "https://graph.microsoft.com/v1.0/users/a%40contoso.example/mailFolders/inbox/messages?$skip=10",
            "https://graph.microsoft.com/v1.0/users('48d31887')/messages?$skip=10",
        ] {
            assert!(follow(link, &graph()).is_ok(), "{link}");
        }
    }

    #[test]
    fn what_is_no_list_of_ours_is_not_followed() {
        for path in [
            "me",
            "me/messages/AAMk",
            "me/messages/AAMk/$value",
            "me/messages/AAMk/forward",
            "me/messages/a%2Fb/attachments",
            "me/mailFolders//messages",
            "me/drive/root/children",
            "users",
            "users/a/events",
            "$batch",
            "search/query",
            "me/messages/",
        ] {
            let link = format!("https://graph.microsoft.com/v1.0/{path}");
            assert_eq!(follow(&link, &graph()), Err(ForeignLink), "{link}");
        }
    }

    #[test]
    fn files_are_fetched_from_where_the_configuration_says() {
        let allowed: Vec<DownloadOrigin> =
            ["https://*.sharepoint.com", "http://127.0.0.1:8446"].iter().map(|text| text.parse().unwrap()).collect();
        for good in [
            "https://contoso.sharepoint.com/_layouts/15/download.aspx?tempauth=x",
            "https://contoso-my.sharepoint.com:443/a",
            "http://127.0.0.1:8446/_layouts",
        ] {
            assert!(download(good, &allowed).is_ok(), "{good}");
        }
        for bad in [
            "http://contoso.sharepoint.com/a",
            "https://sharepoint.com/a",
            "https://.sharepoint.com/a",
            "https://evilsharepoint.com/a",
            "https://contoso.sharepoint.com.evil.example/a",
            "https://contoso.sharepoint.com@evil.example/a",
            "https://user@contoso.sharepoint.com/a",
            "https://contoso.sharepoint.com:8443/a",
            "http://127.0.0.1:8447/a",
            "http://127.0.0.1/a",
            "file:///etc/passwd",
            "/a",
        ] {
            assert_eq!(download(bad, &allowed), Err(ForeignLink), "{bad}");
        }
        for wrong in [
            "*.sharepoint.com",
            "https://*.com",
            "http://*.localhost",
            "http://files.example",
            "https://a/b",
            "https://*.*.a",
        ] {
            assert_eq!(wrong.parse::<DownloadOrigin>(), Err(NotAnOrigin), "{wrong}");
        }
    }

    #[test]
    fn what_only_looks_like_graph_is_not_followed() {
        for link in [
            "https://graph.microsoft.com@evil.example/v1.0/me",
            "https://graph.microsoft.com.evil.example/v1.0/me",
            "https://evil.example/v1.0/me?https://graph.microsoft.com/v1.0/",
            "https://graph.microsoft.com:8443/v1.0/me",
            "http://graph.microsoft.com/v1.0/me",
            "https://user:pass@graph.microsoft.com/v1.0/me",
            "https://graph.microsoft.com/beta/me",
            "https://graph.microsoft.com/v1.0/../beta/me",
            "//evil.example/v1.0/me",
            "/v1.0/me",
            "data:text/plain,/v1.0/",
            "",
        ] {
            assert_eq!(follow(link, &graph()), Err(ForeignLink), "{link}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_followed_stays_with_graph(link in "(https?:)?//[a-z@:.\\\\/%]{0,30}(graph\\.microsoft\\.com)?[a-z@:.\\\\/?#]{0,20}") {
            if let Ok(url) = follow(&link, &graph()) {
                prop_assert_eq!(url.origin(), graph().origin());
            }
        }
    }
}
