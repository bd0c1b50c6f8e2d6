//! A fake Entra ID and a fake Microsoft Graph v1.0, seeded from fixtures, on loopback.
//!
//! ```text
//! request ─► TLS or plain ─► login host ─► entra::*  ─► directory::decide
//!                        ├─► graph host ─► authenticate ─► permission row ─► handler(view) ─► OData shape ─► audit row
//!                        ├─► content host ─► sealed address ─► bytes, ranges
//!                        └─► lab host   ─► lab::*
//! ```

//! In a test of your own, in process, on free ports:
//!
//! ```
//! use emulator::{Emulator, Options};
//! use fixtures::Plan;
//! use serde_json::json;
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let world = Emulator::start(Plan::embedded()?, Options::default()).await?;
//! let http = reqwest::Client::new();
//!
//! // A token of Alice for Graph, without a browser; `login` answers every real flow, too.
//! let asked = json!({ "tenant": "contoso", "user": "alice", "client": "m365-server", "resource": "graph", "scopes": ["Mail.Read"] });
//! let minted = http.post(world.lab.join("lab/mint")?).json(&asked).send().await?.json::<serde_json::Value>().await?;
//! let token = minted["token"].as_str().ok_or("no token")?;
//! let mail = http.get(world.graph.join("v1.0/me/messages")?).bearer_auth(token).send().await?;
//! assert_eq!(mail.status(), 200);
//!
//! http.post(world.lab.join("lab/reset")?).send().await?; // as it began
//! assert!(world.unmodelled().is_empty());
//! world.shutdown().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod apps;
pub mod calendar;
pub mod change;
pub mod clock;
mod content;
pub mod directory;
pub mod drive;
pub mod entra;
pub mod faults;
pub mod graph;
pub mod holdings;
pub mod journal;
pub mod lab;
pub mod live;
pub mod mailbox;
pub mod options;
pub mod principal;
pub mod rules;
pub mod save;
pub mod search;
pub mod seed;
pub mod serve;
pub mod site;
pub mod stub;
pub mod tallied;
pub mod teams;
pub mod throttle;
pub mod tls;
pub mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use fixtures::Plan;
use tokio::task::JoinSet;
use url::Url;

pub use options::{GrantedScopes, Options, RefreshReuse, Revocation, SignIn};
pub use world::State;

/// The emulator, before it runs.
#[derive(Debug)]
pub struct Emulator;

/// An emulator that answers. Dropping it closes its listeners and connections.
#[derive(Debug)]
pub struct Running {
    /// The login host, without a path: the tenant is the first segment.
    pub login: Url,
    /// The Graph host, without a path: the version is the first segment.
    pub graph: Url,
    /// The host of downloads.
    pub content: Url,
    /// The lab.
    pub lab: Url,
    state: Arc<State>,
    listeners: JoinSet<()>,
}

/// Why no emulator started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port is taken, or the address is not ours.
    #[error(transparent)]
    Bind(#[from] serve::BindError),
    /// The plan asks for what no world can be made from, or what is not modelled.
    #[error("plan: {0}")]
    Plan(#[from] directory::DirectoryError),
    /// A signing key that cannot be used.
    #[error(transparent)]
    Key(#[from] entra::keys::KeyError),
    /// A certificate that cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
}

impl Emulator {
    /// Starts the login, Graph and lab hosts of the world that `plan` describes.
    pub async fn start(plan: Plan, options: Options) -> Result<Running, StartError> {
        let tls = options.tls.as_ref().map(tls::Leaf::acceptor).transpose()?;
        let bound = serve::Bound::open(&options).await?;
        let origins = bound.origins.clone();
        let parts = world::Parts {
            keys: entra::keys::Keys::load(&plan.keys, &plan.spare_keys)?,
            seed: seed::Seed::fixed(options.seed),
            rules: options.rules,
            options: options::Settings {
                sign_in: options.sign_in,
                announce_pkce: options.announce_pkce,
                omit_metadata: options.omit_metadata,
                search_gaps: options.search_gaps,
                audit_retention: options.audit_retention,
                throttle: options.throttle,
                stubs: options.stubs,
            },
            live: live::Live {
                revocation: options.revocation,
                propagation: options.propagation,
                client_address: options.client_address,
                granted_scopes: options.granted_scopes,
                refresh_reuse: options.refresh_reuse,
                user_consent: entra::rules::UserConsent::default(),
            },
            clock: options.clock,
            origins: origins.clone(),
        };
        let state = Arc::new(State::new(plan, parts)?);
        let listeners = bound.serve(&state, tls);
        Ok(Running {
            login: origins.login,
            graph: origins.graph,
            content: origins.content,
            lab: origins.lab,
            state,
            listeners,
        })
    }
}

impl Running {
    /// What requests see. The harness reaches it by URL like everybody else; this is for the process that hosts the emulator.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// What was asked that is not modelled, and how often.
    pub fn unmodelled(&self) -> BTreeMap<String, u64> {
        self.state.journal.unmodelled_counts()
    }

    /// What was answered by a stub, and how often.
    pub fn stubbed(&self) -> BTreeMap<String, u64> {
        self.state.journal.stubbed_counts()
    }

    /// Closes listeners and connections at once.
    pub async fn shutdown(mut self) {
        self.listeners.shutdown().await;
    }
}
