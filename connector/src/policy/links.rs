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
