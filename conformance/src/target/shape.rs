//! What shape has a connector: how messages reach it, which revision it speaks, how its users sign in?

use fixtures::Plan;
use fixtures::cast::M365_SERVER;
use fixtures::plan::{RedirectKind, RedirectUri};
use serde::Deserialize;

/// How messages reach a connector (<https://modelcontextprotocol.io/specification/2025-11-25/basic/transports>).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Streamable HTTP.
    #[default]
    Http,
    /// Lines over the standard streams of a program, which serves one person.
    Stdio,
}

/// The revision of MCP that the harness speaks with a connector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Protocol {
    /// Without a handshake: nothing but the token ties two calls together.
    #[default]
    #[serde(rename = "2026-07-28")]
    Stateless,
    /// With `initialize`, and the session that it may begin. What is spoken over stdio.
    #[serde(rename = "2025-11-25")]
    Sessions,
}

/// How the users of a connector sign in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignInMode {
    /// With a token for the connector, which it exchanges for one for Graph.
    #[default]
    Obo,
    /// With a token for Graph, which the connector passes on.
    GraphTokenPassthrough,
    /// At the connector, which is an authorization server itself, sends them on to Entra and gives them tokens of its own.
    OwnLogin,
    /// With a code that the connector shows and a person types on another device.
    DeviceCode,
}

/// What has to be known of a connector that signs its users in itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnLogin {
    /// Where Entra sends people back to it: what is registered for the application.
    pub redirect_uri: String,
    /// The client that the harness is at its authorization server; left out, it registers itself (RFC 7591).
    #[serde(default)]
    pub client_id: Option<String>,
    /// What is asked for at its authorization server; left out, whatever its metadata names.
    #[serde(default)]
    pub scope: Option<String>,
}

/// How a person comes by the code that is typed on another device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceCode {
    /// The tool that begins a sign-in and answers with the code; left out, the program writes it when it starts.
    #[serde(default)]
    pub tool: Option<String>,
}

impl SignInMode {
    /// Whether what callers send is a token that Entra made for the connector, so that it must refuse a forged one. A token that is passed on
    /// is Graph's to judge.
    pub(super) fn takes_entra_tokens(self) -> bool {
        self == Self::Obo
    }

    /// The requirement that this shape breaks, why, and what to do.
    pub(super) fn finding(self) -> Option<&'static str> {
        match self {
            Self::Obo => None,
            Self::GraphTokenPassthrough => Some(
                "R-TOK-1: the connector takes Graph's own tokens (sign_in = \"graph-token-passthrough\"): whoever holds one for any other purpose is let in; take tokens for the connector and exchange them",
            ),
            Self::OwnLogin => Some(
                "R-TOK-2: the connector signs people in as itself (sign_in = \"own-login\"): it holds their refresh tokens for Graph, and Entra's policies see one application in place of two; take tokens for the connector and exchange them",
            ),
            Self::DeviceCode => Some(
                "R-TOK-1: people sign in with a code on another device (sign_in = \"device-code\"): whoever talks somebody into typing one is let in as them; sign in with code and PKCE",
            ),
        }
    }

    /// The world for a connector of this shape: its registration there, the one that `m365-server` names, is what the shape needs. So a
    /// permission that is withdrawn from `m365-server` is withdrawn from what asks Graph.
    pub(crate) fn world(self, plan: &Plan, own_login: &OwnLogin) -> Plan {
        let mut plan = plan.clone();
        let Some(app) = plan.registrations.iter_mut().find(|app| app.name == M365_SERVER) else { return plan };
        match self {
            Self::Obo => {}
            Self::GraphTokenPassthrough | Self::DeviceCode => {
                app.public_client = true;
                let uri = "http://localhost".to_owned();
                app.redirect_uris.insert(0, RedirectUri { kind: RedirectKind::Native, uri });
            }
            Self::OwnLogin => {
                let uri = own_login.redirect_uri.clone();
                app.redirect_uris.insert(0, RedirectUri { kind: RedirectKind::Web, uri });
            }
        }
        plan
    }
}
