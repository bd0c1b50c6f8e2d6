//! Broken OAuth clients: what a server and its issuer say is believed.

use connector::danger::Edges;
use connector::policy::Policy;
use connector::policy::discovery::DiscoveryPolicy;
use url::Url;

use super::Broken;

/// Nobody compares whose metadata it is.
pub const METADATA_OF_ANYBODY: Broken = Broken {
    name: "metadata-of-anybody",
    sentence: "The client reads neither `resource` nor `issuer` in metadata: whoever writes one document sends people to sign in anywhere.",
    reference: Some("RFC 9728, section 3.3; RFC 8414, section 3.3"),
    fault: || {
        let discovery =
            DiscoveryPolicy { same_resource: |_, _, _| true, same_issuer: |_, _| true, ..DiscoveryPolicy::STRICT };
        (Policy { discovery, ..Policy::STRICT }, Edges::default())
    },
};

/// A block list on the address as it is written.
pub const METADATA_LEADS_INSIDE: Broken = Broken {
    name: "metadata-leads-inside",
    sentence: "The client looks for `127.0.0.1`, `localhost` and `169.254` in the text of an address: written otherwise, it goes there.",
    reference: Some("RFC 9728, section 7.7"),
    fault: || {
        let discovery = DiscoveryPolicy {
            address: |text, told| {
                let blocked = ["127.0.0.1", "localhost", "169.254"].iter().any(|part| text.contains(part));
                let url = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()))?;
                (!blocked || url.origin() == told.server.origin()).then_some(url)
            },
            ..DiscoveryPolicy::STRICT
        };
        (Policy { discovery, ..Policy::STRICT }, Edges::default())
    },
};

/// What is named is opened.
pub const OPENS_ANYTHING: Broken = Broken {
    name: "opens-anything",
    sentence: "The client hands whatever the issuer names to what opens the browser: scripts, files, programs.",
    reference: Some("CVE-2025-6514 (mcp-remote)"),
    fault: || {
        let discovery = DiscoveryPolicy { address: |text, _| Url::parse(text).ok(), ..DiscoveryPolicy::STRICT };
        (Policy { discovery, ..Policy::STRICT }, Edges::default())
    },
};
