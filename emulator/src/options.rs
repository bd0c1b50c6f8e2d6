//! How an emulator is started.

use std::net::{IpAddr, Ipv4Addr};

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::live::ClientAddress;
use crate::rules::Rules;
use crate::search::Gaps;
use crate::stub::Stub;
use crate::throttle::Throttle;
use crate::tls::Leaf;

/// Everything that can be chosen at start. The default is what checks use: a standing clock, free ports, plain HTTP on loopback.
#[derive(Debug)]
pub struct Options {
    /// Time.
    pub clock: Clock,
    /// Decides every random value.
    pub seed: u64,
    /// Address to listen at.
    pub bind: IpAddr,
    /// Port of the login host; 0 = a free one.
    pub login_port: u16,
    /// Port of the Graph host; 0 = a free one.
    pub graph_port: u16,
    /// Port of the second origin, of downloads; 0 = a free one.
    pub content_port: u16,
    /// Port of the lab; 0 = a free one.
    pub lab_port: u16,
    /// The host name in every URL of ours.
    pub host_name: String,
    /// Certificate of the login and Graph hosts; without one they speak plain HTTP.
    pub tls: Option<Leaf>,
    /// What becomes of access tokens whose grant is revoked.
    pub revocation: Revocation,
    /// How long a critical event takes to reach Graph; the real service takes up to fifteen minutes.
    pub propagation: SignedDuration,
    /// Where requests come from.
    pub client_address: ClientAddress,
    /// How a `login_hint` is treated.
    pub sign_in: SignIn,
    /// Decisions that can be got wrong.
    pub rules: Rules,
    /// Whether discovery announces `code_challenge_methods_supported`. The real service does not, although it checks PKCE; some MCP
    /// clients refuse to start without the member.
    pub announce_pkce: bool,
    /// How long audit rows are kept; `None` = as long as the emulator runs.
    pub audit_retention: Option<SignedDuration>,
    /// How often one application may ask Graph for one user; `None` = as often as it likes.
    pub throttle: Option<Throttle>,
    /// Canned answers for what is not modelled.
    pub stubs: Vec<Stub>,
    /// Members of the v2 OpenID configuration that are left out: clients are tried against documents that lack them.
    pub omit_metadata: Vec<String>,
    /// What `scp` holds.
    pub granted_scopes: GrantedScopes,
    /// What becomes of a refresh token that was used.
    pub refresh_reuse: RefreshReuse,
    /// What the search index does not have, as happens to the real one.
    pub search_gaps: Gaps,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Clock::standing(EPOCH),
            seed: 365,
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            login_port: 0,
            graph_port: 0,
            content_port: 0,
            lab_port: 0,
            host_name: "localhost".to_owned(),
            tls: None,
            revocation: Revocation::Real,
            propagation: SignedDuration::ZERO,
            client_address: ClientAddress::Connection,
            sign_in: SignIn::Hint,
            rules: Rules::STRICT,
            announce_pkce: false,
            omit_metadata: Vec::new(),
            granted_scopes: GrantedScopes::default(),
            refresh_reuse: RefreshReuse::default(),
            search_gaps: Gaps::default(),
            audit_retention: None,
            throttle: None,
            stubs: Vec::new(),
        }
    }
}

/// The fixed instant of checks: 2026-01-12T09:00:00Z, the epoch of the built-in plan, a Monday.
pub const EPOCH: Timestamp = Timestamp::constant(1_768_208_400, 0);

/// What becomes of access tokens that were issued before a grant was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Revocation {
    /// They are honoured until they expire, as Graph does.
    #[default]
    Real,
    /// They are refused at once: stricter than the real service.
    Strict,
}

/// What `scp` of a token holds. The real service may put more in than was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GrantedScopes {
    /// What was asked for; everything granted with `.default`.
    #[default]
    Requested,
    /// Everything granted at the resource.
    All,
}

/// What becomes of a refresh token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefreshReuse {
    /// It stays valid beside its successor, as at the real service.
    #[default]
    Kept,
    /// It is worthless: for clients that forget to keep the successor.
    Once,
    /// It is worthless, and whoever brings it again ends everything that came from the same sign-in, as RFC 9700 asks of issuers.
    Family,
}

/// Whether `login_hint` signs in without a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignIn {
    /// A hint that names an enabled user of the tenant signs in at once: for scripts; the real service asks for a password.
    #[default]
    Hint,
    /// A person always sees the page; the hint fills it in.
    Page,
}

/// The part of [`Options`] that requests look at, and nothing changes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How a `login_hint` is treated.
    pub sign_in: SignIn,
    /// Whether discovery announces `code_challenge_methods_supported`.
    pub announce_pkce: bool,
    /// How long audit rows are kept.
    pub audit_retention: Option<SignedDuration>,
    /// How often one application may ask Graph for one user.
    pub throttle: Option<Throttle>,
    /// Canned answers for what is not modelled.
    pub stubs: Vec<Stub>,
    /// Members of the v2 OpenID configuration that are left out.
    pub omit_metadata: Vec<String>,
    /// What the search index does not have.
    pub search_gaps: Gaps,
}
