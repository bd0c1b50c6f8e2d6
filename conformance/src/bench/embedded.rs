//! A fresh world and our own connector in it: both in this process, both behind sockets, both with clocks that stand.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use connector::danger::{self, Edges};
use connector::policy::Policy;
use emulator::clock::Clock;
use emulator::{Emulator, Options, Revocation};
use fixtures::Plan;
use fixtures::cast::{M365_CLIENT, M365_SERVER};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use super::{Bench, Log, Speech};
use crate::broken::{self, Broken};
use crate::check::{Feature, Setup, World};
use crate::target::{DeviceCode, Doors, OwnLogin, SignInMode, Tools};

/// What keeps a world and its connector serving.
pub struct Embedded {
    emulator: emulator::Running,
    connector: connector::Running,
    _state: Option<TempDir>,
}

/// Why a bench cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The emulator, the lab or the harness failed.
    #[error("failure of ours: {0}")]
    Ours(String),
    /// The target did not start.
    #[error("the target did not start: {0}")]
    Target(String),
}

/// The connector's clock: it stands until the bench moves it.
#[derive(Debug)]
pub struct StandingClock(Mutex<Timestamp>);

impl StandingClock {
    /// A clock that stands at `instant`.
    pub fn at(instant: Timestamp) -> Self {
        Self(Mutex::new(instant))
    }

    /// Moves it.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.saturating_add(by).unwrap_or(Timestamp::MAX);
    }
}

impl connector::clock::Clock for StandingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Embedded {
    /// Starts both and opens a bench over them.
    pub async fn start(
        plan: Arc<Plan>,
        seed: u64,
        setup: &Setup,
        broken: Option<&Broken>,
    ) -> Result<(Self, Bench), StartError> {
        let epoch = plan.epoch;
        let revocation = match setup.world {
            World::Real => Revocation::Real,
            World::Strict => Revocation::Strict,
        };
        let rules = broken::rules(broken);
        let options = Options { clock: Clock::standing(epoch), seed, revocation, rules, ..Options::default() };
        let emulator = Emulator::start(Plan::clone(&plan), options).await;
        let emulator = emulator.map_err(|error| StartError::Ours(error.to_string()))?;
        let clock = Arc::new(StandingClock::at(epoch));
        let mut config = config(&plan, &emulator, setup).map_err(StartError::Ours)?;
        let mut state = None;
        if setup.host {
            let (host, folder) = super::back_end::config(&plan).map_err(StartError::Ours)?;
            config.host = Some(host);
            state = Some(folder);
        }
        let log = Arc::new(Log::default());
        let parts = connector::Parts { clock: clock.clone(), audit: Some(log.clone()) };
        let (policy, edges) = broken.map_or_else(|| (Policy::STRICT, Edges::default()), |broken| (broken.fault)());
        let discovery = policy.discovery;
        let obo_max_age = SignedDuration::from_secs(config.obo.max_age_seconds.into());
        let connector = danger::start_with_policy(config, parts, policy, edges).await;
        let connector = connector.map_err(|error| StartError::Target(error.to_string()))?;
        let doors = Doors {
            login: emulator.login.clone(),
            graph: emulator.graph.clone(),
            content: emulator.content.clone(),
            lab: emulator.lab.clone(),
            mcp: connector.mcp.clone(),
            host: connector.host.clone(),
            features: Feature::ALL.iter().copied().collect(),
            obo_max_age,
            sign_in: SignInMode::Obo,
            own_login: OwnLogin::default(),
            device_code: DeviceCode::default(),
            speech: Speech::Stateless,
            tools: Tools::default(),
            missing_tools: BTreeSet::new(),
        };
        let bench = Bench::new(plan, doors, Some(clock), Some(log)).await;
        let bench = bench.map_err(|error| StartError::Ours(error.to_string()))?;
        Ok((Self { emulator, connector, _state: state }, bench.with_client(discovery)))
    }

    /// Ends both.
    pub async fn shutdown(self) {
        self.connector.shutdown().await;
        self.emulator.shutdown().await;
    }
}

/// The connector as shipped, pointed at this world: nothing but addresses, credentials and admitted tenants.
fn config(plan: &Plan, emulator: &emulator::Running, setup: &Setup) -> Result<connector::Config, String> {
    let server = plan.registration(M365_SERVER).ok_or("no server registration")?;
    let client = plan.registration(M365_CLIENT).ok_or("no client registration")?;
    let tenants = setup.admitted.iter().map(|&name| plan.tenant(name).ok_or_else(|| format!("no tenant {name}")));
    let tenants = tenants.map(|tenant| tenant.map(|tenant| tenant.id.to_string())).collect::<Result<Vec<_>, _>>()?;
    let config = json!({
        "server": { "listen": "127.0.0.1:0", "allow_plain_http": true },
        "entra": {
            "login": emulator.login,
            "client_id": server.app_id,
            "client_secret": server.secrets.first().ok_or("the server has no secret")?.value,
            "app_id_uri": server.identifier_uris.first().ok_or("the server has no App ID URI")?,
            "allowed_clients": [client.app_id],
        },
        "graph": { "url": emulator.graph, "downloads": [emulator.content.origin().ascii_serialization()] },
        "admission": { "tenants": tenants, "disabled_tools": setup.disabled_tools },
    });
    let mut config: connector::Config = serde_json::from_value(config).map_err(|error| error.to_string())?;
    if config.documents.program().is_none() {
        config.documents.worker = worker();
    }
    Ok(config)
}

/// The program that reads documents, where the checks run in a program that is none of ours: a test. Named by the connector's own
/// variable, or the `offline365` that was built beside the test (`target/debug/offline365` of `target/debug/deps/test-…`).
fn worker() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("OFFLINE365_CONNECTOR__DOCUMENTS__WORKER") {
        return Some(named.into());
    }
    let folder = std::env::current_exe().ok()?.parent()?.parent()?.to_owned();
    Some(folder.join(format!("offline365{}", std::env::consts::EXE_SUFFIX))).filter(|program| program.is_file())
}
