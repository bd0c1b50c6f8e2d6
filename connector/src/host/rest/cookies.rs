//! What is remembered in a browser? Which session it has, and which sign-in it started. Neither is readable by scripts, and with
//! https neither can be set by another origin of the same site (`__Host-`).

use http::{HeaderMap, header};
use secrecy::{ExposeSecret as _, SecretString};

use super::Services;

/// One cookie of the host.
pub(super) struct Cookie {
    name: &'static str,
    seconds: u32,
    secure: bool,
}

/// Recognises the browser that started a sign-in. It signs nobody in.
pub(super) fn sign_in(host: &Services) -> Cookie {
    let name = if host.secure { "__Host-offline365-sign-in" } else { "offline365-sign-in" };
    Cookie { name, seconds: 600, secure: host.secure }
}

/// Recognises the browser that an administrator consents in.
pub(super) fn consent(host: &Services) -> Cookie {
    let name = if host.secure { "__Host-offline365-consent" } else { "offline365-consent" };
    Cookie { name, seconds: 1800, secure: host.secure }
}

/// Recognises a browser that is signed in to the host.
pub(super) fn session(host: &Services) -> Cookie {
    let name = if host.secure { "__Host-offline365-session" } else { "offline365-session" };
    Cookie { name, seconds: 43_200, secure: host.secure }
}

impl Cookie {
    /// `Lax`: the issuer sends the browser back by a top-level navigation, and both cookies must come along.
    pub(super) fn set(&self, value: &SecretString) -> String {
        self.header(value.expose_secret(), self.seconds)
    }

    pub(super) fn clear(&self) -> String {
        self.header("", 0)
    }

    fn header(&self, value: &str, seconds: u32) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", self.name)
    }

    pub(super) fn read<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find_map(|(name, value)| (name == self.name).then_some(value))
    }
}
