//! How emulator, connector and host are started together and ended.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use connector::host::vault::VaultKey;
use connector::host::{HostConfig, IdentityConfig, OrganizationConfig};
use connector::{Config, Connector, Parts};
use emulator::clock::Clock;
use emulator::serve::HostKind;
use emulator::tls::{Authority, Leaf};
use emulator::{Emulator, Options};
use fixtures::Plan;
use fixtures::cast::{M365_CLIENT, M365_SERVER};
use fixtures::own_apps;
use fixtures::own_calendar::{self, OwnCalendarError};
use fixtures::own_drive::{self, OwnDriveError, OwnFile};
use fixtures::own_mail::{self, OwnMailError};
use fixtures::own_teams::{self, OwnTeamsError};
use url::Url;

use super::failure::Failure;
use super::options::{HouseArgs, Ports, Revocation};
use super::ready::{Addresses, Ready};
use super::state::{self, State};

/// A running house.
pub(super) struct House {
    ready: Ready,
    ca_pem: String,
    emulator: emulator::Running,
    connector: connector::Running,
}

impl House {
    /// Starts all of it; when this returns, every port is bound.
    pub(super) async fn start(args: &HouseArgs, usual: Ports, state: &State) -> Result<Self, Failure> {
        let ports = args.ports(usual)?;
        let (mut plan, own_apps) = plan(args)?;
        if args.fresh {
            unconsented(&mut plan);
        }
        let certificate = |error: emulator::tls::TlsError| Failure::Start { part: "emulator", why: error.to_string() };
        let further: Vec<&str> = args.name.as_deref().filter(|name| *name != "localhost").into_iter().collect();
        let authority = Authority::load_or_create_for(state.folder(), &further).map_err(certificate)?;
        let names: Vec<&str> = ["localhost", "127.0.0.1", "::1"].into_iter().chain(further).collect();
        let leaf = authority.leaf(&names).map_err(certificate)?;
        let ca_pem = authority.ca_pem().to_owned();
        state::replace(&state.bundle(), state::bundle(&ca_pem).as_bytes())?;

        let defaults = Options::default();
        let options = Options {
            // Unmodified clients compare `exp` with their own clocks.
            clock: Clock::running(),
            seed: args.seed.unwrap_or(defaults.seed),
            bind: args.bind(),
            login_port: ports.login,
            graph_port: ports.graph,
            content_port: ports.content,
            lab_port: ports.lab,
            host_name: args.name().to_owned(),
            tls: Some(leaf.clone()),
            revocation: match args.revocation {
                Revocation::Real => emulator::Revocation::Real,
                Revocation::Strict => emulator::Revocation::Strict,
            },
            stubs: args.stubs()?,
            ..defaults
        };
        let emulator = Emulator::start(plan.clone(), args.issuer.over(options)).await.map_err(emulator_failure)?;
        let connector = connector(args, ports, state, &plan, &emulator, leaf, &ca_pem).await;
        let connector = match connector {
            Ok(connector) => connector,
            Err(failure) => {
                emulator.shutdown().await;
                return Err(failure);
            }
        };
        let host = connector
            .host
            .clone()
            .ok_or_else(|| Failure::Start { part: "host", why: "it has no address".to_owned() })?;
        let addresses = Addresses {
            login: emulator.login.clone(),
            graph: emulator.graph.clone(),
            content: emulator.content.clone(),
            lab: lab_address(&emulator.lab),
            mcp: connector.mcp.clone(),
            host,
        };
        let ready = Ready::new(&plan, &own_apps, &addresses, state.ca())?;
        Ok(Self { ready, ca_pem, emulator, connector })
    }

    /// Where everything is.
    pub(super) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The certificate to trust, PEM.
    pub(super) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What was asked of the emulator and is not modelled, and how often.
    pub(super) fn unmodelled(&self) -> BTreeMap<String, u64> {
        self.emulator.unmodelled()
    }

    /// What was answered by a stub, and how often.
    pub(super) fn stubbed(&self) -> BTreeMap<String, u64> {
        self.emulator.stubbed()
    }

    /// Closes every listener.
    pub(super) async fn shutdown(self) {
        self.connector.shutdown().await;
        self.emulator.shutdown().await;
    }
}

/// As the tenants were before an administrator consented: neither of the connector's applications is known there.
fn unconsented(plan: &mut Plan) {
    let ours = [M365_CLIENT, M365_SERVER];
    for tenant in &mut plan.tenants {
        tenant.service_principals.retain(|principal| !ours.contains(&principal.app.as_str()));
        tenant.grants.retain(|grant| !ours.contains(&grant.client.as_str()));
    }
}

/// The lab is for this machine's scripts: by address, so that no resolver and no IPv6 preference stands between.
fn lab_address(lab: &Url) -> Url {
    let mut address = lab.clone();
    if address.host_str() == Some("localhost") {
        // A constant address is a host that every http URL can have.
        let _ = address.set_ip_host(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}

/// The built-in world or the user's, with the user's own registrations (whose names come with it) and mail in it.
fn plan(args: &HouseArgs) -> Result<(Plan, Vec<String>), Failure> {
    let mut own_names = Vec::new();
    let mut plan = match &args.fixtures {
        Some(folder) => Plan::from_dir(folder)
            .map_err(|error| Failure::Plan(format!("--fixtures {}: {error}", folder.display())))?,
        None => Plan::embedded().map_err(|error| Failure::Plan(error.to_string()))?,
    };
    for file in &args.app {
        let wrong = |error: own_apps::OwnAppsError| Failure::Plan(format!("--app {}: {error}", file.display()));
        let own = own_apps::load(file).map_err(wrong)?;
        plan.with_own_apps(&own).map_err(wrong)?;
        own_names.extend(own.app.into_iter().map(|app| app.name));
    }
    for (index, own) in args.mail.iter().enumerate() {
        if args.mail.iter().skip(index + 1).any(|other| other.user == own.user) {
            return Err(Failure::Usage(format!("--mail: {} is named twice; put the mail into one folder", own.user)));
        }
        let mail = own_mail::load(&own.path).map_err(own_mail_failure)?;
        plan.with_own_mail(&own.user, mail).map_err(own_mail_failure)?;
    }
    for (index, own) in args.calendar.iter().enumerate() {
        if args.calendar.iter().skip(index + 1).any(|other| other.user == own.user) {
            return Err(Failure::Usage(format!(
                "--calendar: {} is named twice; put the files into one folder",
                own.user
            )));
        }
        let files = own_calendar::load(&own.path).map_err(own_calendar_failure)?;
        plan.with_own_calendar(&own.user, files).map_err(own_calendar_failure)?;
    }
    own_files(args, &mut plan)?;
    for (index, own) in args.teams.iter().enumerate() {
        if args.teams.iter().skip(index + 1).any(|other| other.tenant == own.tenant) {
            return Err(Failure::Usage(format!(
                "--teams: {} is named twice; put the files into one folder",
                own.tenant
            )));
        }
        let conversations = own_teams::load(&own.path).map_err(own_teams_failure)?;
        plan.with_own_teams(&own.tenant, conversations).map_err(own_teams_failure)?;
    }
    Ok((plan, own_names))
}

/// The user's own folders as OneDrives and sites.
fn own_files(args: &HouseArgs, plan: &mut Plan) -> Result<(), Failure> {
    type Taken = fn(&mut Plan, &str, Vec<OwnFile>) -> Result<(), OwnDriveError>;
    let drives: Taken = Plan::with_own_drive;
    for (option, all, take) in [("--drive", &args.drive, drives), ("--site", &args.site, Plan::with_own_site)] {
        let wrong = |error: OwnDriveError| match error {
            OwnDriveError::NobodyCalled(_) | OwnDriveError::NoSite(_) => Failure::Usage(format!("{option}: {error}")),
            _ => Failure::Plan(format!("{option}: {error}")),
        };
        for (index, own) in all.iter().enumerate() {
            if all.iter().skip(index + 1).any(|other| other.user == own.user) {
                return Err(Failure::Usage(format!(
                    "{option}: {} is named twice; put the files into one folder",
                    own.user
                )));
            }
            take(plan, &own.user, own_drive::load(&own.path).map_err(wrong)?).map_err(wrong)?;
        }
    }
    Ok(())
}

fn own_calendar_failure(error: OwnCalendarError) -> Failure {
    match error {
        OwnCalendarError::NobodyCalled(_) => Failure::Usage(format!("--calendar: {error}")),
        _ => Failure::Plan(format!("--calendar: {error}")),
    }
}

fn own_teams_failure(error: OwnTeamsError) -> Failure {
    match error {
        OwnTeamsError::NoTenant(_) => Failure::Usage(format!("--teams: {error}")),
        _ => Failure::Plan(format!("--teams: {error}")),
    }
}

fn own_mail_failure(error: OwnMailError) -> Failure {
    match error {
        OwnMailError::NobodyCalled(_) => Failure::Usage(format!("--mail: {error}")),
        _ => Failure::Plan(format!("--mail: {error}")),
    }
}

fn emulator_failure(error: emulator::StartError) -> Failure {
    match error {
        emulator::StartError::Bind(bind) if bind.source.kind() == io::ErrorKind::AddrInUse => {
            let option = match bind.host {
                HostKind::Login => "login",
                HostKind::Graph => "graph",
                HostKind::Content => "content",
                HostKind::Lab => "lab",
            };
            Failure::PortInUse { option, address: bind.address }
        }
        error => Failure::Start { part: "emulator", why: error.to_string() },
    }
}

/// The connector with its host, as it ships, pointed at the emulator by configuration alone.
async fn connector(
    args: &HouseArgs,
    ports: Ports,
    state: &State,
    plan: &Plan,
    emulator: &emulator::Running,
    leaf: Leaf,
    ca_pem: &str,
) -> Result<connector::Running, Failure> {
    let (mcp, mcp_url) = address(args, ports.mcp)?;
    let (host, host_url) = address(args, ports.host)?;
    let known = Ready::registrations(plan)?;
    let mut config = Config::new(known.server_id, known.server_secret.into(), known.client_id.clone());
    config.entra.login = emulator.login.clone();
    config.entra.app_id_uri = Some(known.app_id_uri);
    config.graph.url = emulator.graph.clone();
    config.graph.downloads = vec![emulator.content.origin().ascii_serialization()];
    config.tls.ca_pem = Some(ca_pem.to_owned());
    config.server.listen = mcp;
    config.server.public_url = mcp_url;
    config.server.tls_cert_pem = Some(leaf.cert_pem);
    config.server.tls_key_pem = Some(leaf.key_pem.into());
    config.host = Some(host_config(args, plan, state, known.client_id, (host, host_url))?);
    Connector::start(config, Parts::default()).await.map_err(|error| match error {
        connector::StartError::Bind { address, source } if source.kind() == io::ErrorKind::AddrInUse => {
            let option = if address == mcp { "mcp" } else { "host" };
            Failure::PortInUse { option, address }
        }
        error => Failure::Start { part: "connector", why: error.to_string() },
    })
}

/// An organization per tenant, all of its people members of it, the tenant's administrators its owners.
fn host_config(
    args: &HouseArgs,
    plan: &Plan,
    state: &State,
    client_id: String,
    (listen, public_url): (SocketAddr, Option<Url>),
) -> Result<HostConfig, Failure> {
    let key = VaultKey::load_or_create(&state.vault_key())
        .map_err(|error| Failure::Start { part: "host", why: error.to_string() })?;
    let folder = state.folder().join(if args.fresh { "host-fresh" } else { "host" });
    if args.fresh && folder.exists() {
        let failed = |error| Failure::Start { part: "host", why: format!("{}: {error}", folder.display()) };
        std::fs::remove_dir_all(&folder).map_err(failed)?;
    }
    let mut config = HostConfig::new(client_id, folder, &key);
    // Whoever opens the page on this machine picks who they are; from other machines there are API tokens.
    if public_url.is_none() {
        config.identity = IdentityConfig::Pick;
    }
    config.listen = listen;
    config.public_url = public_url;
    for tenant in &plan.tenants {
        let mut organization = OrganizationConfig {
            enabled: !args.fresh,
            tenants: vec![tenant.id.to_string()],
            ..OrganizationConfig::default()
        };
        for person in tenant.people.iter().filter(|person| Ready::signs_in(person)) {
            let name = person.reference(tenant);
            config = config.with_user(&name, &Ready::host_token(&name));
            let members = if person.roles.is_empty() { &mut organization.members } else { &mut organization.owners };
            members.push(name.as_str().into());
        }
        config = config.with_organization(&tenant.name, organization);
    }
    Ok(config)
}

/// Where a listener of the connector listens and, when that does not tell, what it is called.
fn address(args: &HouseArgs, port: u16) -> Result<(SocketAddr, Option<Url>), Failure> {
    let bind = args.bind();
    if args.name() == "localhost" && bind.is_loopback() {
        return Ok((SocketAddr::new(bind, port), None));
    }
    // The name must be said before the listener is open, so its port must be known by then.
    let port = if port == 0 { free_port(bind)? } else { port };
    let url = format!("https://{}:{port}", args.name());
    let url = Url::parse(&url).map_err(|error| Failure::Usage(format!("--name {}: {error}", args.name())))?;
    Ok((SocketAddr::new(bind, port), Some(url)))
}

fn free_port(bind: IpAddr) -> Result<u16, Failure> {
    let address = std::net::TcpListener::bind((bind, 0)).and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|error| Failure::Start { part: "connector", why: error.to_string() })
}
