//! Whose metadata is it, and where may it lead? Documents that somebody else wrote decide where a person's browser and their codes go
//! (<https://www.rfc-editor.org/rfc/rfc8414#section-3.3>, <https://www.rfc-editor.org/rfc/rfc9728#section-7.7>).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// What may not stand in an address (<https://www.rfc-editor.org/rfc/rfc3986#appendix-A>), beside what is not printed.
const NEVER: &[u8] = b"\"<>\\^`{|}";

/// The decisions of the OAuth client about what it is told. [`DiscoveryPolicy::STRICT`] is the one that ships.
#[derive(Clone, Copy)]
pub struct DiscoveryPolicy {
    /// Is this metadata of the server that was asked? Takes the identifier that it names, the server, and whether an App ID URI may
    /// stand for the server there.
    pub same_resource: fn(&str, &Url, bool) -> bool,
    /// Is this metadata of the issuer that was asked? Takes the identifier that was asked for, and the one that it names.
    pub same_issuer: fn(&str, &str) -> bool,
    /// May this address be asked, and opened in a browser? As it was understood, which is how it is used.
    pub address: fn(&str, &Told<'_>) -> Option<Url>,
}

impl DiscoveryPolicy {
    /// The one that ships.
    pub const STRICT: Self = Self { same_resource, same_issuer, address };
}

/// Who names an address.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The MCP server, as the person typed it.
    pub server: &'a Url,
    /// Whether it is somebody else's even where it stands on this machine.
    pub is_strange: bool,
}

/// Compared as addresses: an origin may be written with or without its slash.
fn same_resource(came: &str, asked: &Url, app_id_uri: bool) -> bool {
    Url::parse(came).is_ok_and(|came| came == *asked || (app_id_uri && came.scheme() == "api"))
}

/// Compared as text. Entra's documents for several tenants name a template instead
/// (<https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc>): there the tenant's place is left out.
fn same_issuer(asked: &str, came: &str) -> bool {
    asked == came
        || came.split_once("{tenantid}").is_some_and(|(before, after)| {
            asked
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(|tenant| ["organizations", "common"].contains(&tenant))
        })
}

/// HTTPS, to a name or to an address of the open network. What listens on this machine may be named by a server on it alone, and by
/// that over plain HTTP too. Decided on what the address means, not on how it is written: `0x7f000001` is this machine.
fn address(text: &str, told: &Told<'_>) -> Option<Url> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && !NEVER.contains(&byte)) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let has_more = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
    if has_more || !["https", "http"].contains(&url.scheme()) {
        return None;
    }
    let is_here = is_this_machine(&url);
    // The server's own origin is what the person named.
    let may = if is_here {
        url.origin() == told.server.origin() || (!told.is_strange && is_this_machine(told.server))
    } else {
        url.scheme() == "https" && is_in_the_open(&url)
    };
    may.then_some(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether the host is a name, or an address that is not of some private network.
fn is_in_the_open(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => !name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => is_open(address.into()),
        Some(Host::Ipv6(address)) => is_open(address.into()),
        None => false,
    }
}

/// <https://www.iana.org/assignments/iana-ipv4-special-registry>, and the same of version 6.
fn is_open(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || first == 0
                || is_shared)
        }
        IpAddr::V6(address) => match within(address) {
            Some(inner) => is_open(inner.into()),
            None => {
                !(address.is_loopback()
                    || address.is_unspecified()
                    || address.is_multicast()
                    || address.is_unique_local()
                    || address.is_unicast_link_local())
            }
        },
    }
}

/// The address of version 4 that one of version 6 stands for: mapped, or translated (RFC 6052).
fn within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let translated = matches!(address.segments(), [0x64, 0xff9b, 0, 0, 0, 0, _, _]);
    address.to_ipv4_mapped().or_else(|| {
        let [.., a, b, c, d] = address.octets();
        translated.then_some(Ipv4Addr::new(a, b, c, d))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_compared_as_text() {
        let tenant = "https://login.microsoftonline.com/organizations/v2.0";
        assert!(same_issuer(tenant, tenant));
        assert!(same_issuer(tenant, "https://login.microsoftonline.com/{tenantid}/v2.0"));
        assert!(!same_issuer(
            "https://login.microsoftonline.com/a/b/v2.0",
            "https://login.microsoftonline.com/{tenantid}/v2.0"
        ));
        assert!(!same_issuer(tenant, "https://login.microsoftonline.com/organizations/v2.0/"));
        assert!(!same_issuer(tenant, "https://evil.example/{tenantid}/v2.0"));
        assert!(!same_issuer(tenant, "{tenantid}"));
    }

    fn may(text: &str, server: &str, is_strange: bool) -> bool {
        let server = server.parse().expect("an address of the test");
        address(text, &Told { server: &server, is_strange }).is_some()
    }

    #[test]
    fn a_server_on_this_machine_may_name_what_is_on_it() {
        let here = "http://localhost:8447/mcp";
        for good in ["https://login.example/token", "http://localhost:8443/x", "http://127.0.0.1/x", "http://[::1]:1/x"]
        {
            assert!(may(good, here, false), "{good}");
        }
        assert!(!may("http://127.0.0.1/x", here, true) && may("http://localhost:8447/token", here, true));
        assert!(!may("http://127.0.0.1/x", "https://mcp.example/mcp", false), "named by a stranger");
    }

    #[test]
    fn nothing_leads_inside_however_it_is_written() {
        for bad in [
            "http://login.example/token",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "ftp://login.example/",
            "gopher://login.example/",
            "custom://login.example/",
            "data:text/html,x",
            "-https://login.example/",
            "https://user@login.example/",
            "https://login.example/#a",
            "https://login.example/\"x",
            "https://login.example/`x`",
            "https://login.example/\nx",
            "http://localhost.evil.example/",
            "https://169.254.169.254/latest",
            "https://10.0.0.1/",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://127.1/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://\u{2460}\u{2461}\u{2466}.1/",
            "https://[::ffff:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://x.localhost/",
            "",
        ] {
            assert!(!may(bad, "https://mcp.example/mcp", false), "{bad}");
        }
        assert!(may("https://203.0.113.7/token?a='$(b)'", "https://mcp.example/mcp", false));
    }
}
