//! Faults: what the services are to answer instead, late, or not before they are let.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::refusal::{LabError, Refusal};
use super::route::{Nothing, Route, get, post};
use crate::faults::{Act, Fault, Target};
use crate::serve::HostKind;
use crate::world::State;

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/lab/faults", "Faults that are to come, how often each was taken, and who waits", list),
        post("/lab/faults/add", "The next requests that match meet this fault", add),
        post("/lab/faults/release", "Takes one fault out, or all; whoever waits goes on", release)
            .refuses(&[Refusal::Missing]),
    ]
}

/// At which host.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Where {
    /// The login host.
    Login,
    /// The Graph host.
    Graph,
    /// The host of downloads.
    Content,
}

/// What happens.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Kind {
    /// The service's own error, with `status`.
    Status,
    /// The answer comes `delaySeconds` late.
    Delay,
    /// The request waits until the fault is released.
    Hold,
    /// The answer's body breaks off in the middle.
    CutShort,
    /// A redirect to `location`.
    Redirect,
    /// A list says that it goes on at `location`.
    NextLink,
}

/// `{"host": "login", "grant": "refresh_token", "kind": "status", "status": 429, "retryAfter": 2, "count": 1}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct New {
    /// At which host.
    host: Where,
    /// What happens.
    kind: Kind,
    /// With this method alone.
    method: Option<String>,
    /// Whose path contains this alone.
    path: Option<String>,
    /// With this `grant_type` alone.
    grant: Option<String>,
    /// Of `status`: 400 to 599.
    status: Option<u16>,
    /// Of `status`: `Retry-After`, in seconds.
    retry_after: Option<u32>,
    /// Of `status`: a body that is not the service's.
    body: Option<String>,
    /// Of `redirect` and `nextLink`: where to.
    location: Option<String>,
    /// Of `delay`: 0 to 120.
    delay_seconds: Option<f64>,
    /// How often; without end when absent.
    count: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Made {
    /// Its name.
    id: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct All {
    /// In the order they were added: the first that matches is taken.
    faults: Vec<Row>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    /// Its name.
    id: u64,
    /// At which host.
    host: &'static str,
    /// What happens.
    kind: Kind,
    /// How often it is still taken; absent: without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u32>,
    /// How often it was taken.
    taken: u64,
    /// How many requests wait for its release.
    waiting: u64,
}

/// `{"id": 1}`, or `{}` for all.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// One fault; all when absent.
    id: Option<u64>,
}

async fn list(state: Arc<State>, _: Nothing) -> Result<All, LabError> {
    Ok(all(&state))
}

fn all(state: &State) -> All {
    All { faults: state.faults.rows().iter().map(shown).collect() }
}

fn shown(fault: &Fault) -> Row {
    let kind = match fault.act {
        Act::Status { .. } => Kind::Status,
        Act::Delay(_) => Kind::Delay,
        Act::Hold => Kind::Hold,
        Act::CutShort => Kind::CutShort,
        Act::Redirect(_) => Kind::Redirect,
        Act::NextLink(_) => Kind::NextLink,
    };
    let Fault { id, left, taken, waiting, .. } = *fault;
    Row { id, host: fault.target.host.as_str(), kind, left, taken, waiting }
}

async fn add(state: Arc<State>, new: New) -> Result<Made, LabError> {
    let act = match new.kind {
        Kind::Status => {
            let status = new.status.filter(|status| (400..=599).contains(status));
            let status = status.and_then(|status| StatusCode::from_u16(status).ok());
            let status = status.ok_or_else(|| LabError::bad("\"status\" is 400 to 599"))?;
            Act::Status { status, retry_after: new.retry_after, body: new.body }
        }
        Kind::Delay => {
            let seconds = new.delay_seconds.filter(|seconds| (0.0..=120.0).contains(seconds));
            let seconds = seconds.ok_or_else(|| LabError::bad("\"delaySeconds\" is 0 to 120"))?;
            Act::Delay(Duration::from_secs_f64(seconds))
        }
        Kind::Hold => Act::Hold,
        Kind::CutShort => Act::CutShort,
        Kind::NextLink => {
            Act::NextLink(new.location.ok_or_else(|| LabError::bad("\"location\" is where the list goes on"))?)
        }
        Kind::Redirect => {
            let location = new.location.and_then(|text| HeaderValue::try_from(text).ok());
            Act::Redirect(location.ok_or_else(|| LabError::bad("\"location\" is where the redirect leads"))?)
        }
    };
    let method = match new.method {
        Some(text) => Some(
            Method::from_bytes(text.to_ascii_uppercase().as_bytes())
                .map_err(|_| LabError::bad("\"method\" is no HTTP method"))?,
        ),
        None => None,
    };
    let host = match new.host {
        Where::Login => HostKind::Login,
        Where::Graph => HostKind::Graph,
        Where::Content => HostKind::Content,
    };
    let target = Target { host, method, path: new.path, grant: new.grant };
    Ok(Made { id: state.faults.add(target, act, new.count) })
}

async fn release(state: Arc<State>, which: Which) -> Result<All, LabError> {
    match which.id {
        None => state.faults.clear(),
        Some(id) if state.faults.release(id) => {}
        Some(id) => return Err(LabError::missing("fault", &id.to_string())),
    }
    Ok(all(&state))
}
