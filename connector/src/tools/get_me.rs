//! Who is signed in, and what may the connector do for them?

use std::collections::BTreeSet;

use rmcp::schemars;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Reach, ToolRow, answer, arguments, input_schema, names, output_schema};
use crate::graph::mail::Me;
use crate::graph::request::GraphRead;
use crate::policy::scopes::Need;
use crate::refusal::Refusal;
use crate::resource_uri::Mailbox;

pub(super) const TOOL: ToolRow = ToolRow {
    name: "get_me",
    title: "Who am I",
    description: "The signed-in Microsoft 365 user, the permissions this connector has been granted and the tools that are switched off. Also a health check.",
    needs: &[Need::Profile],
    input: input_schema::<Input>,
    output: output_schema::<Output>,
    call: |reach, arguments| Box::pin(call(reach, arguments)),
};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {}

/// The signed-in user.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Output {
    /// Object id within the tenant.
    id: String,
    /// Name for people.
    display_name: Option<String>,
    /// Primary address.
    mail: Option<String>,
    /// Sign-in name.
    user_principal_name: Option<String>,
    /// The tenant.
    tenant_id: String,
    /// Microsoft Graph permissions that the issuer named in its last answer.
    granted_permissions: Vec<String>,
    /// Tools that are switched off for this user.
    disabled_tools: Vec<&'static str>,
    /// Whether mail is found without bodies and summaries, because Mail.Read is missing and the operator allows Mail.ReadBasic.
    limited: bool,
}

async fn call(reach: &Reach<'_>, raw: Map<String, Value>) -> Result<Value, Refusal> {
    let Input {} = arguments(raw)?;
    let graph = reach.graph(Need::Profile);
    let me: Me = graph.read(&GraphRead::Me).await?;
    let granted = graph.granted().await?;
    let granted: BTreeSet<_> = granted.split_whitespace().map(bare).collect();
    let enabled = |name| (reach.services.policy.tool_enabled)(&*reach.services.admission, reach.caller, name);
    let limited = reach.mail_or_basics(&Mailbox::Own).await.is_ok_and(|(_, limited)| limited);
    answer(&Output {
        limited,
        id: me.id,
        display_name: me.display_name,
        mail: me.mail,
        user_principal_name: me.user_principal_name,
        tenant_id: reach.caller.tenant().to_string(),
        granted_permissions: granted.into_iter().map(str::to_owned).collect(),
        disabled_tools: names().filter(|name| !enabled(name)).collect(),
    })
}

/// `Mail.Read` of `https://graph.microsoft.com/Mail.Read`.
fn bare(scope: &str) -> &str {
    scope.rsplit('/').next().unwrap_or(scope)
}
