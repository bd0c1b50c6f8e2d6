//! Which tools are there, and how do they answer? MCP in both eras, without sessions
//! (<https://modelcontextprotocol.io/specification/2026-07-28>).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use futures_util::future::join_all;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ProtocolVersion, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};

use super::Services;
use super::bearer::Session;
use crate::audit::{AuditEvent, EventKind};
use crate::policy::scopes::{Grant, Need};
use crate::refusal::{Code, Refusal};
use crate::tools::{self, Reach, ToolRow};

const REVISIONS: &[ProtocolVersion] = &[ProtocolVersion::V_2025_11_25, ProtocolVersion::V_2026_07_28];

const INSTRUCTIONS: &str = "Reads the signed-in user's Microsoft 365 content; it can change nothing. Search answers with metadata and a `uri` per hit; \
                            `read_resource` gives the content behind a `uri`.";

/// One request's handler.
pub(super) struct Handler(Arc<Services>);

impl Handler {
    pub(super) fn new(services: Arc<Services>) -> Self {
        Self(services)
    }

    fn enabled(&self, session: &Session, row: &ToolRow) -> bool {
        (self.0.policy.tool_enabled)(&*self.0.admission, &session.caller, row.name)
    }

    async fn called(&self, session: &Session, row: &ToolRow, request: CallToolRequestParams) -> CallToolResult {
        let started = self.0.clock.now();
        let reach = Reach::new(&self.0, &session.caller);
        let answer = if !self.enabled(session, row) {
            Err(Refusal::new(Code::ToolDisabled, format!("The tool {} is switched off.", row.name)))
        } else if let Err(refusal) = reach.count(1) {
            Err(refusal)
        } else {
            let call = (row.call)(&reach, request.arguments.unwrap_or_default());
            tokio::time::timeout(self.0.call_patience, call)
                .await
                .unwrap_or_else(|_| Err(Refusal::new(Code::Timeout, "Microsoft 365 did not answer in time.")))
        };
        let refusal = answer.as_ref().err();
        self.0.audit.record(&AuditEvent {
            time: started,
            event: EventKind::Tool,
            tenant: Some(session.caller.tenant().to_string()),
            user: Some(session.caller.user().to_string()),
            organization: None,
            person: None,
            client: Some(session.caller.client().to_owned()),
            tool: Some(row.name.to_owned()),
            outcome: refusal.map_or("ok", |refusal| refusal.code().as_str()).to_owned(),
            permission: refusal.and_then(Refusal::missing_permission).map(str::to_owned),
            graph_requests: reach.graph_requests(),
            duration_ms: i64::try_from(self.0.clock.now().duration_since(started).as_millis()).unwrap_or(i64::MAX),
        });
        match answer {
            Ok(value) => CallToolResult::structured(value),
            Err(refusal) => {
                if refusal.code() == Code::SignInRequired {
                    let _ = session.sign_in.set(refusal.clone());
                }
                failed(&refusal)
            }
        }
    }
}

fn failed(refusal: &Refusal) -> CallToolResult {
    let mut result = CallToolResult::error(vec![ContentBlock::text(refusal.to_text())]);
    result.structured_content = Some(json!({ "error": refusal.to_json() }));
    result
}

/// Schemas are made once.
static DESCRIBED: LazyLock<Vec<Tool>> = LazyLock::new(|| tools::TOOLS.iter().map(described).collect());

fn described(row: &ToolRow) -> Tool {
    let annotations =
        ToolAnnotations::with_title(row.title).read_only(true).destructive(false).idempotent(true).open_world(true);
    Tool::new(row.name, row.description, (row.input)())
        .with_title(row.title)
        .with_raw_output_schema((row.output)())
        .with_annotations(annotations)
}

fn session(context: &RequestContext<RoleServer>) -> Result<Session, ErrorData> {
    context
        .extensions
        .get::<http::request::Parts>()
        .and_then(|parts| parts.extensions.get::<Session>())
        .cloned()
        .ok_or_else(|| ErrorData::internal_error("the request came past the door", None))
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("offline365-connector", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(REVISIONS)
    }

    /// By hand: what one person may call is not everybody's to cache.
    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let session = session(&context)?;
        if request.is_some_and(|request| request.cursor.is_some()) {
            return Err(ErrorData::invalid_params("there is one page of tools", None));
        }
        let services = &*self.0;
        let counts = |need: &Need| *need != Need::BasicMail || services.limited_mode;
        let needed: BTreeSet<Need> = tools::TOOLS.iter().flat_map(|row| row.needs).copied().filter(counts).collect();
        let caller = &session.caller;
        let asked =
            needed.into_iter().map(|need| async move { (need, services.graph.exchange.grant(caller, need).await) });
        let grants: BTreeMap<Need, Grant> = join_all(asked).await.into_iter().collect();
        let listed = |row: &ToolRow| {
            let grants: Vec<_> = row.needs.iter().filter_map(|need| grants.get(need)).copied().collect();
            self.enabled(&session, row) && (self.0.policy.tool_listed)(&grants)
        };
        let tools =
            tools::TOOLS.iter().zip(&*DESCRIBED).filter(|(row, _)| listed(row)).map(|(_, tool)| tool.clone()).collect();
        Ok(ListToolsResult::with_all_items(tools).with_ttl_ms(0).with_cache_scope(CacheScope::Private))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let session = session(&context)?;
        let Some(row) = tools::TOOLS.iter().find(|row| row.name == request.name) else {
            return Err(ErrorData::invalid_params("there is no such tool", Some(Value::from(request.name.as_ref()))));
        };
        tokio::select! {
            () = context.ct.cancelled() => Err(ErrorData::internal_error("the client went away", None)),
            result = self.called(&session, row, request) => Ok(result.into()),
        }
    }
}
