//! What is done about a token that the server refuses? It is renewed once, with the claims that were asked for; if the server
//! refuses the new one too, the person must sign in again.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::error::{Fault, HostError, Refusal};
use super::super::issuer::SignInFailure;
use super::super::member::Member;
use super::super::notes::{Event, Notes};
use super::super::organizations::Closed;
use super::super::renewal::Renewal;
use crate::mcp_client::{Answer, Asked, McpClient, Request};

/// The server's tools, for members.
pub(in super::super) struct Tools {
    server: McpClient,
    renewal: Arc<Renewal>,
    notes: Notes,
}

impl Tools {
    pub(in super::super) fn new(server: McpClient, renewal: Arc<Renewal>, notes: Notes) -> Self {
        Self { server, renewal, notes }
    }

    /// What `member` may call: the result of `tools/list`.
    pub(in super::super) async fn list(&self, member: &Member) -> Result<Value, HostError> {
        self.ask(member, &Request::ListTools).await
    }

    /// The names of the tools that `member` may call.
    pub(in super::super) async fn names(&self, member: &Member) -> Result<Vec<String>, HostError> {
        let listed = self.list(member).await?;
        let tools = listed.get("tools").and_then(Value::as_array).into_iter().flatten();
        Ok(tools.filter_map(|tool| tool.get("name")?.as_str().map(str::to_owned)).collect())
    }

    /// Calls a tool: the result of `tools/call`, also when the tool says that it failed.
    pub(in super::super) async fn call(
        &self,
        member: &Member,
        name: String,
        arguments: Map<String, Value>,
    ) -> Result<Value, HostError> {
        let outcome = self.ask(member, &Request::CallTool { name: name.clone(), arguments }).await;
        let failed = |result: &Value| result.get("isError") == Some(&Value::Bool(true));
        let told =
            outcome.as_ref().map_or_else(|error| error.told().0, |result| if failed(result) { "failed" } else { "ok" });
        self.notes.tool(member, Event::ToolCalled, &name, told);
        tracing::info!(%member, tool = name, served = outcome.is_ok(), "a tool was called");
        outcome
    }

    async fn ask(&self, member: &Member, request: &Request) -> Result<Value, HostError> {
        let access = self.renewal.access(member).await?;
        let claims = match self.server.send(request, Some(&access.token)).await.map_err(Fault::Server)? {
            Answer::TokenRefused(asked) => asked.claims,
            answer => return result(answer),
        };
        let renewed = self.renewal.renew(member, access.revision, claims.as_deref()).await?;
        match self.server.send(request, Some(&renewed.token)).await.map_err(Fault::Server)? {
            Answer::TokenRefused(Asked { claims: again, .. }) => {
                // Only a challenge says that signing in helps. A bare 401 may be the server's own trouble, and must not
                // cost everybody their connection.
                if let Some(claims) = again.or(claims) {
                    self.renewal.end(member, renewed.revision, Some(claims)).await?;
                }
                Err(Refusal::SignInRequired(SignInFailure::RefusedByServer).into())
            }
            answer => result(answer),
        }
    }
}

fn result(answer: Answer) -> Result<Value, HostError> {
    Err(match answer {
        Answer::Result(result) => return Ok(result),
        Answer::Rejected(message) => Refusal::Tool(message).into(),
        Answer::Forbidden { code, .. } if code.eq_ignore_ascii_case("connector_disabled") => Closed::Disabled.into(),
        Answer::Forbidden { code, .. } if code.eq_ignore_ascii_case("tenant_not_enabled") => {
            Closed::TenantNotEnabled.into()
        }
        Answer::Forbidden { message, .. } => Refusal::Server(message).into(),
        Answer::Throttled(after) => Refusal::Throttled(after).into(),
        Answer::TokenRefused(_) => Refusal::SignInRequired(SignInFailure::RefusedByServer).into(),
    })
}
