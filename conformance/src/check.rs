//! What is a check? One question to a connector with a yes/no answer, tied to requirements, declared as data; its body is plain async Rust
//! over the target's doors.

use std::fmt;

use fixtures::cast;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bench::Bench;
use crate::broken::Broken;
use crate::scenario::{self, Scenario};

/// One question to a target.
#[derive(Debug)]
pub struct Check {
    /// `suite/name`; the file is `suites/<suite>/<name>.rs`, with `-` as `_`.
    pub id: &'static str,
    /// What is asked, for people.
    pub title: &'static str,
    /// Rows of `requirements.toml`.
    pub requirements: &'static [&'static str],
    /// Whether every connector must pass it.
    pub profile: Profile,
    /// What a failure would mean.
    pub severity: Severity,
    /// Features without which the question has no meaning.
    pub needs: &'static [Feature],
    /// How the connector under test is set up, where that matters.
    pub setup: Setup,
    /// Who attacks, if it is an attack: then it can be replayed.
    pub attack: Option<Attack>,
    /// The broken connectors that must fail it. Never empty.
    pub broken: &'static [&'static Broken],
    /// The file that declares it.
    pub source: &'static str,
    /// The question.
    pub run: Run,
}

/// The body of a check. `Ok` means that every expectation held.
pub type Code = for<'a> fn(&'a mut Bench) -> BoxFuture<'a, Result<(), Finding>>;

/// How a check is run.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// By code: where holds, interleavings or generated input would make a poor file.
    Code(Code),
    /// By a scenario file.
    File(&'static Scenario),
}

impl Run {
    /// Asks the question.
    pub async fn ask(self, bench: &mut Bench) -> Result<(), Finding> {
        match self {
            Self::Code(code) => code(bench).await,
            Self::File(scenario) => scenario::play(bench, scenario).await,
        }
    }
}

impl Check {
    /// Where its question is known from: public pages, CVE, CWE and RFC numbers.
    pub fn references(&self) -> &'static [String] {
        match self.run {
            Run::Code(_) => &[],
            Run::File(scenario) => &scenario.references,
        }
    }

    /// The part of the id before `/`.
    pub fn suite(&self) -> &'static str {
        self.id.split_once('/').map_or(self.id, |(suite, _)| suite)
    }
}

/// Who attacks, with what, and who has to stop it.
#[derive(Debug, Clone, Copy)]
pub struct Attack {
    /// The attacker, for example `mallory@fabrikam`.
    pub by: &'static str,
    /// What the attacker has beyond an ordinary account.
    pub knows: &'static str,
    /// The parts of which each alone must stop it.
    pub stopped_by: &'static [Layer],
}

/// A part on the way of a request: who refused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The connector under test.
    Connector,
    /// Entra: a token request was refused.
    Issuer,
    /// Microsoft Graph.
    Graph,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connector => "connector",
            Self::Issuer => "issuer",
            Self::Graph => "graph",
        })
    }
}

/// Why a check did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The target does what it must not, or not what it must.
    Fail(String),
    /// Nothing was shown: the positive control failed, or the request never reached the part under test. Red.
    Inconclusive(String),
    /// The target declared that it lacks the feature.
    NotApplicable(Feature),
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every expectation held, and every control.
    Pass,
    /// The target lacks the declared feature.
    NotApplicable,
    /// Nothing was shown.
    Inconclusive,
    /// An expectation did not hold.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::NotApplicable => "not applicable",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        })
    }
}

/// Which connectors a check speaks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Every connector.
    Core,
    /// Connectors that make the promise.
    Extended,
}

/// What a failure would mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A defence in depth is missing.
    Low,
    /// Confusing or weakening, no data lost by itself.
    Medium,
    /// Data or rights beyond what was granted, under conditions.
    High,
    /// Another person's or organization's data.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        })
    }
}

/// What a target may lack. Our embedded connector lacks none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Its clock stands and can be moved, together with the emulator's.
    ClockControl,
    /// It keeps its own list of admitted tenants.
    TenantGate,
    /// Single tools can be switched off.
    ToolToggles,
    /// Searches are paged with cursors.
    Cursors,
    /// It is set up anew for a check (admitted tenants, disabled tools).
    Setup,
    /// The assistant's back end stands in front of it.
    Host,
    /// Its own audit log can be read.
    AuditLog,
    /// Its OAuth client signs somebody in at a server that is named to it.
    Client,
    /// It exchanges its callers' tokens for tokens of its own (On-Behalf-Of). Follows from `sign_in`.
    Exchange,
    /// Its callers send tokens that Entra made for it, so that it must refuse forged ones. Follows from `sign_in`.
    EntraTokens,
    /// It is reached over HTTP. Follows from `transport`.
    Endpoint,
    /// It speaks MCP 2026-07-28, in which one request says everything. Follows from `protocol`.
    Stateless,
    /// What it reads can be read as MCP resources, too.
    Resources,
    /// Its refusals carry the codes of the tool contract; without, the class of a refusal counts. Follows from `error_codes`.
    ErrorCodes,
    /// The tool that is called. Follows from `missing_tools`.
    Tool,
    /// The argument that is given. Follows from the template of the tool's arguments.
    Argument,
}

impl Feature {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::ClockControl,
        Self::TenantGate,
        Self::ToolToggles,
        Self::Cursors,
        Self::Setup,
        Self::Host,
        Self::AuditLog,
        Self::Client,
        Self::Exchange,
        Self::EntraTokens,
        Self::Endpoint,
        Self::Stateless,
        Self::Resources,
        Self::ErrorCodes,
        Self::Tool,
        Self::Argument,
    ];
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClockControl => "clock-control",
            Self::TenantGate => "tenant-gate",
            Self::ToolToggles => "tool-toggles",
            Self::Cursors => "cursors",
            Self::Setup => "setup",
            Self::Host => "host",
            Self::AuditLog => "audit-log",
            Self::Client => "client",
            Self::Exchange => "exchange",
            Self::EntraTokens => "entra-tokens",
            Self::Endpoint => "endpoint",
            Self::Stateless => "stateless",
            Self::Resources => "resources",
            Self::ErrorCodes => "error-codes",
            Self::Tool => "tool",
            Self::Argument => "argument",
        })
    }
}

/// How the connector under test is set up. Everything else is as shipped.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// Tenants that are admitted.
    pub admitted: &'static [&'static str],
    /// Tools that are switched off.
    pub disabled_tools: &'static [&'static str],
    /// How the world treats tokens that were issued before a revocation.
    pub world: World,
    /// Whether the assistant's back end stands in front of it. Its organizations then decide who is admitted.
    pub host: bool,
}

/// How the world treats tokens that were issued before a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum World {
    /// As the real Graph: honoured until they expire, but for continuous access evaluation. Decides verdicts.
    Real,
    /// Challenged at once. Reported beside it.
    Strict,
}

impl Setup {
    /// Both companies admitted, every tool on.
    pub const SHIPPED: Self =
        Self { admitted: &[cast::CONTOSO, cast::FABRIKAM], disabled_tools: &[], world: World::Real, host: false };
}
