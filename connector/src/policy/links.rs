//! May this link be followed with a token? Only within the configured Graph origin and its version path: addresses in answers
//! are data.

use url::Url;

/// The link leads elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a link in Graph's answer leads away from Graph")]
pub struct ForeignLink;

/// Parsed origins are compared, never prefixes: `https://graph.microsoft.com@evil.example/` begins well, too.
pub(super) fn follow(link: &str, graph: &Url) -> Result<Url, ForeignLink> {
    let link = Url::parse(link).map_err(|_| ForeignLink)?;
    let plain = link.username().is_empty() && link.password().is_none() && link.fragment().is_none();
    let same = link.origin() == graph.origin() && link.origin().is_tuple();
    if plain && same && link.path().starts_with("/v1.0/") { Ok(link) } else { Err(ForeignLink) }
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
        assert!(follow("https://graph.microsoft.com:443/v1.0/me", &graph()).is_ok(), "the same origin, spelt out");
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
