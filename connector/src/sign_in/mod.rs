//! A person at a terminal tries a server that was deployed: signs in at the authorization server that it names, and calls a tool.
//!
//! What an assistant does that knows nothing but the server's address
//! (<https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization>), with the OAuth client and the MCP client that
//! the host uses. Nothing is kept: the tokens are gone when it ends.

mod listener;

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};
use url::Url;

use crate::entropy::{self, NoEntropy};
use crate::mcp_client::{Answer, Asked, McpClient, Request};
use crate::oauth::{self, Asking, AuthorizationServer, NoTokens, Unanswered, Verifier};
use crate::policy::discovery::{DiscoveryPolicy, Told};
use crate::transport;
use listener::Listener;

pub use crate::oauth::Unfound;

/// Sign-ins in one run. A server that always wants more is not asked for ever.
const MOST_SIGN_INS: usize = 3;

const PATIENCE: Duration = Duration::from_secs(20);

/// What is tried.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The MCP server's address.
    pub server: Url,
    /// A public client that the authorization server knows, with the redirect URI `http://localhost`.
    pub client_id: String,
    /// The port of the redirect URI; any free one if not given.
    pub port: Option<u16>,
    /// The authorization server is Microsoft Entra, which knows the server by its App ID URI and does not announce the PKCE that it
    /// checks.
    pub entra: bool,
    /// The server is somebody else's, also where it stands on this machine (at the end of a tunnel, say): what it names may not lead
    /// to anything else here.
    pub stranger: bool,
    /// A tool to call, and its arguments.
    pub call: Option<(String, Map<String, Value>)>,
    /// Certificates to trust besides the system's, as PEM.
    pub extra_roots: Option<String>,
}

/// What is happening, in the order in which it does.
#[derive(Debug, Clone)]
pub enum Step {
    /// The server names this issuer.
    Issuer(String),
    /// A browser has to go here.
    Open(Url),
    /// There is a token with these scopes, for so many seconds.
    SignedIn {
        /// As the issuer says, or as asked for.
        scope: String,
        /// Seconds.
        expires_in: i64,
    },
    /// The server wants more than the token has.
    MoreWanted(String),
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The tools that the server offers this person.
    pub tools: Vec<String>,
    /// The result of the tool that was to be called.
    pub result: Option<Value>,
}

/// Why it came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The client, or the listener for the browser, cannot be started.
    #[error("cannot start: {0}")]
    Start(String),
    /// There is no authorization server to go to.
    #[error(transparent)]
    Unfound(#[from] Unfound),
    /// MCP lets no client go on without PKCE.
    #[error("{0} does not announce PKCE with S256; Microsoft Entra checks it all the same: say so with --entra")]
    NoPkce(String),
    /// The client is known to one issuer, and must not be shown to another.
    #[error("the server now names {now} and no longer {before}, where the client is registered")]
    IssuerChanged {
        /// Where the person has signed in.
        before: String,
        /// Who is named now.
        now: String,
    },
    /// Nobody came back, or not from this sign-in.
    #[error("the sign-in was not finished: {0}")]
    Unfinished(&'static str),
    /// The issuer refuses.
    #[error("the issuer refuses: {error}: {description}")]
    Refused {
        /// The OAuth error, made printable.
        error: String,
        /// Its words, made printable.
        description: String,
    },
    /// The issuer or the server cannot be asked or understood.
    #[error("{0}")]
    Misunderstood(String),
    /// The server refuses a fresh token.
    #[error("the server refuses the token: {0}")]
    TokenRefused(String),
    /// The machine has no randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// Lists the server's tools, and calls one, for whoever signs in. `tell` hears each step; the person's browser is its business.
///
/// # Errors
/// Whatever keeps the person from it, in words for who deployed the server.
pub async fn sign_in(what: &SignIn, tell: impl FnMut(Step) + Send) -> Result<Tried, SignInError> {
    sign_in_with(&DiscoveryPolicy::STRICT, what, tell).await
}

/// The same, whatever is believed.
pub(crate) async fn sign_in_with(
    policy: &DiscoveryPolicy,
    what: &SignIn,
    mut tell: impl FnMut(Step) + Send,
) -> Result<Tried, SignInError> {
    let http = transport::client(what.extra_roots.as_deref(), PATIENCE)
        .map_err(|error| SignInError::Start(error.to_string()))?;
    let mut person = Person {
        policy,
        what,
        mcp: McpClient::new(what.server.clone(), "offline365-sign-in", http.clone()),
        http,
        issuer: None,
        scopes: BTreeSet::new(),
        token: None,
        sign_ins: 0,
        tell: &mut tell,
    };
    let listed = person.ask(&Request::ListTools).await?;
    let tools = listed.get("tools").and_then(Value::as_array).into_iter().flatten();
    let tools = tools.filter_map(|tool| tool.get("name")?.as_str().map(str::to_owned)).collect();
    let result = match &what.call {
        Some((name, arguments)) => {
            Some(person.ask(&Request::CallTool { name: name.clone(), arguments: arguments.clone() }).await?)
        }
        None => None,
    };
    Ok(Tried { tools, result })
}

struct Person<'a> {
    policy: &'a DiscoveryPolicy,
    what: &'a SignIn,
    mcp: McpClient,
    http: reqwest::Client,
    /// Where the person signed in first: the client is registered there, and nowhere else.
    issuer: Option<String>,
    /// Everything that was asked for so far.
    scopes: BTreeSet<String>,
    token: Option<SecretString>,
    sign_ins: usize,
    tell: &'a mut (dyn FnMut(Step) + Send),
}

impl Person<'_> {
    /// Asks, and signs in as often as the server wants it and this makes sense.
    async fn ask(&mut self, request: &Request) -> Result<Value, SignInError> {
        loop {
            match self.mcp.send(request, self.token.as_ref()).await.map_err(SignInError::Misunderstood)? {
                Answer::Result(result) => return Ok(result),
                Answer::TokenRefused(asked) => self.sign_in(&asked).await?,
                Answer::Forbidden { asked: asked @ Asked { scope: Some(_), .. }, .. } => {
                    (self.tell)(Step::MoreWanted(asked.scope.clone().unwrap_or_default()));
                    self.sign_in(&asked).await?;
                }
                Answer::Forbidden { code, message, .. } => {
                    return Err(SignInError::TokenRefused(printable(&format!("{code}: {message}"))));
                }
                Answer::Rejected(message) => return Err(SignInError::Misunderstood(printable(&message))),
                Answer::Throttled(_) => return Err(SignInError::Misunderstood("the server is busy".to_owned())),
            }
        }
    }

    async fn sign_in(&mut self, asked: &Asked) -> Result<(), SignInError> {
        if self.sign_ins == MOST_SIGN_INS {
            return Err(SignInError::TokenRefused(format!("also after {MOST_SIGN_INS} sign-ins")));
        }
        self.sign_ins += 1;
        // Discovered anew each time: the server may have moved to another issuer.
        let asking = Asking {
            http: &self.http,
            policy: self.policy,
            told: Told { server: &self.what.server, is_strange: self.what.stranger },
            app_id_uri: self.what.entra,
        };
        let server = oauth::discover(&asking, asked.resource_metadata.as_deref()).await?;
        self.may_go_to(&server)?;
        // What was granted before is asked for again: a token with only the new scope would lose the rest.
        let wanted = asked.scope.as_deref().map(|scope| scope.split(' ').map(str::to_owned).collect::<Vec<_>>());
        self.scopes
            .extend(wanted.or_else(|| server.scopes.clone()).into_iter().flatten().filter(|scope| !scope.is_empty()));
        let scope = self.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let grant = self.granted(&server, &scope).await?;
        (self.tell)(Step::SignedIn { scope: printable(&grant.scope.unwrap_or(scope)), expires_in: grant.expires_in });
        self.token = Some(grant.access_token);
        Ok(())
    }

    fn may_go_to(&mut self, server: &AuthorizationServer) -> Result<(), SignInError> {
        match &self.issuer {
            Some(before) if *before != server.issuer => {
                return Err(SignInError::IssuerChanged { before: printable(before), now: printable(&server.issuer) });
            }
            Some(_) => {}
            None => {
                (self.tell)(Step::Issuer(printable(&server.issuer)));
                self.issuer = Some(server.issuer.clone());
            }
        }
        if !server.announces_pkce && !self.what.entra {
            return Err(SignInError::NoPkce(printable(&server.issuer)));
        }
        Ok(())
    }

    async fn granted(&mut self, server: &AuthorizationServer, scope: &str) -> Result<oauth::Grant, SignInError> {
        let mut listener =
            Listener::start(self.what.port).await.map_err(|error| SignInError::Start(error.to_string()))?;
        let (state, verifier) = (entropy::word()?, Verifier::new(entropy::word()?));
        let mut more = Vec::new();
        if !scope.is_empty() {
            more.push(("scope", scope));
        }
        more.push(("resource", server.resource.as_str()));
        let (client_id, redirect_uri) = (self.what.client_id.as_str(), listener.redirect_uri().to_owned());
        let endpoint = &server.authorization_endpoint;
        let challenge = verifier.challenge();
        (self.tell)(Step::Open(oauth::authorization_url(
            endpoint,
            client_id,
            &redirect_uri,
            &state,
            &challenge,
            &more,
        )));
        let response = listener.response().await.ok_or(SignInError::Unfinished("nobody came back"))?;
        let code = response.code(&state, &server.issuer, server.promises_iss).map_err(unanswered)?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", redirect_uri.as_str()),
            ("code_verifier", verifier.secret().expose_secret()),
            ("client_id", client_id),
        ];
        form.extend(&more);
        oauth::ask(&self.http, server.token_endpoint.clone(), &form).await.map_err(|none| match none {
            NoTokens::Refused(refused) => SignInError::Refused {
                error: printable(&refused.error),
                description: printable(&refused.error_description),
            },
            NoTokens::Unavailable(why) | NoTokens::Misunderstood(why) => SignInError::Misunderstood(why),
        })
    }
}

fn unanswered(why: Unanswered) -> SignInError {
    match why {
        Unanswered::OtherState => SignInError::Unfinished("the browser brought back an answer to another question"),
        Unanswered::OtherIssuer => SignInError::Unfinished("another issuer answered than the one that was asked"),
        Unanswered::Refused { error, description } => {
            SignInError::Refused { error: printable(&error), description: printable(&description) }
        }
        Unanswered::Empty => SignInError::Unfinished("the browser brought back no code"),
    }
}

/// Text of others, fit for a terminal: no control characters, and not a page of it.
fn printable(text: &str) -> String {
    text.chars().take(500).map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}
