//! Requests that are no MCP calls of an ordinary client: plain HTTP to the connector, to Entra, to Graph.

use url::Url;

use super::reply::Reply;
use super::{Bench, execute};
use crate::check::{Feature, Finding, Layer};
use crate::client::chain;
use crate::recorder::{Hop, StepKind};

/// Where a plain request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// The connector under test.
    Connector,
    /// Entra.
    Login,
    /// Microsoft Graph.
    Graph,
    /// Where the content of files lies.
    Content,
}

/// A plain HTTP request.
#[derive(Clone)]
pub struct Raw {
    /// Who sends it, for the record.
    pub actor: String,
    /// Where to.
    pub to: Host,
    /// Method.
    pub method: String,
    /// Path and query, or a link of that host's own; `mcp` is the connector's endpoint.
    pub path: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Bench {
    /// Sends a plain request. What the connector asked upstream meanwhile is in the answer.
    pub async fn send(&mut self, kind: StepKind, label: &str, raw: &Raw) -> Result<Reply, Finding> {
        self.recorder.step(kind, &raw.actor, label);
        if raw.to == Host::Connector {
            self.needs(Feature::Endpoint)?;
            if raw.path == "mcp" {
                self.needs(Feature::Stateless)?;
            }
        }
        let (name, layer) = match raw.to {
            Host::Connector => ("connector", Layer::Connector),
            Host::Login => ("login", Layer::Issuer),
            Host::Graph => ("graph", Layer::Graph),
            Host::Content => ("content", Layer::Graph),
        };
        let url = self.address(raw).map_err(|why| Finding::Inconclusive(format!("{label}: {why}")))?;
        let method = raw.method.parse().unwrap_or(http::Method::GET);
        let mut request = self.http.request(method, url).body(raw.body.clone());
        for (name, value) in &raw.headers {
            request = request.header(name, value);
        }
        let request = request.build().map_err(|error| Finding::Inconclusive(format!("{label}: {}", chain(&error))))?;
        let hop = execute(&self.http, name, request, self.mark(&raw.actor)).await;
        let hop = hop.map_err(|why| Finding::Inconclusive(format!("{label}: no answer: {why}")))?;
        self.calls += u64::from(raw.to == Host::Connector);
        let mut reply =
            Reply::new(&raw.actor, hop.status, hop.response_headers.clone(), hop.response.clone()).plain(layer);
        self.recorder.hop(Hop { actor: raw.actor.clone(), ..hop });
        let upstream = self.drain().await?;
        if raw.to == Host::Connector {
            for upstream in &upstream {
                self.recorder.upstream(upstream);
            }
            reply.upstream = upstream;
        }
        self.recorder.answered(0, reply.served(), reply.code(), reply.refused_by());
        Ok(reply)
    }

    fn address(&self, raw: &Raw) -> Result<Url, String> {
        let base = match raw.to {
            Host::Connector if raw.path == "mcp" => return Ok(self.doors.mcp.clone()),
            Host::Connector => &self.doors.mcp,
            Host::Login => &self.doors.login,
            Host::Graph => &self.doors.graph,
            Host::Content => &self.doors.content,
        };
        let origin = base.origin().ascii_serialization();
        // A link that the host gave out is as good as its path; no other host is ever asked.
        let path = raw.path.strip_prefix(&origin).unwrap_or(&raw.path);
        Url::parse(&format!("{origin}/{}", path.trim_start_matches('/'))).map_err(|error| error.to_string())
    }

    /// The connector's audit rows of the world since the check began.
    pub async fn audit(&self) -> Result<Vec<serde_json::Value>, Finding> {
        self.lab.audit(0).await.map_err(super::ours)
    }

    /// Any control of the world.
    pub async fn control_world(
        &mut self,
        label: &str,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<serde_json::Value, Finding> {
        self.recorder.step(StepKind::Prepare, "lab", label);
        let answer = self.lab.ask(path, body).await.map_err(super::ours);
        self.drain().await?;
        answer
    }

    /// Ends every session of a person.
    pub async fn end_sessions(&mut self, tenant: &str, user: &str) -> Result<(), Finding> {
        self.recorder.step(StepKind::Prepare, &format!("admin@{tenant}"), &format!("ends every session of {user}"));
        self.lab.revoke_sessions(tenant, user).await.map_err(super::ours)
    }
}
