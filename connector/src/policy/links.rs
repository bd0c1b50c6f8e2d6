//! May this link be followed with a token? Only to the configured Graph origin, and there only to lists that this server reads
//! anyway: addresses in answers are data.

use url::Url;

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
    let rest = match segments.as_slice() {
        ["me", rest @ ..] => rest,
        ["users", user, rest @ ..] if is_id(user) => rest,
        // Graph writes next links of a named user so, too.
        [user, rest @ ..] if user.strip_prefix("users(").is_some_and(|key| key.ends_with(')') && is_id(key)) => rest,
        _ => return false,
    };
    LISTS.iter().any(|list| {
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
