//! Who signed in and what was asked of Graph, for the administrators of a tenant: of their own tenant, and nobody else's.
//!
//! <https://learn.microsoft.com/graph/api/signin-list>, <https://learn.microsoft.com/graph/microsoft-graph-activity-logs-overview>. The
//! real activity log goes to a Log Analytics workspace; here a route of our own answers with that table's columns.

use serde_json::{Value, json};

use super::answer::Answer;
use super::error::{GraphError, Refusal};
use super::odata::options::Kind;
use super::route::{Ask, Route, Under, Verb, Workload};
use super::view::View;
use crate::journal::AuditRow;

const READ: &[&str] = &["AuditLog.Read.All"];

const fn row(template: &'static str, handler: super::route::Handler) -> Route {
    let workload = Workload::Directory;
    Route { verb: Verb::Get, under: Under::Root, template, own: READ, others: &[], workload, handler }
}

/// The rows.
pub(super) const ROUTES: &[Route] = &[
    row("/auditLogs/signIns", sign_ins),
    row("/auditLogs/signIns/{id}", sign_in),
    row("/auditLogs/graphActivityLogs", activities),
];

const LIMIT: usize = 1000;

fn check(view: &View<'_>) -> Result<(), Refusal> {
    if view.reads_audit() {
        return Ok(());
    }
    let reason = "access rule `reads_audit`: the caller has no role that reads reports in this tenant";
    Err(GraphError::DirectoryDenied.because(reason))
}

/// A sign-in is what ended in a session or a refusal at the login host; silent exchanges of tokens are in other logs.
fn is_sign_in(row: &AuditRow) -> bool {
    row.kind == "sign-in"
}

fn is_activity(row: &AuditRow) -> bool {
    row.kind.starts_with("graph-")
}

fn sign_ins(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    listed(view, ask, "auditLogs/signIns", is_sign_in, signed_in)
}

fn activities(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    listed(view, ask, "auditLogs/graphActivityLogs", is_activity, |_, row| activity(row))
}

fn sign_in(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    check(view)?;
    ask.only(&[])?;
    let rows = ask.audit.newest_first();
    let found = rows.iter().find(|row| is_sign_in(row) && row.request_id.eq_ignore_ascii_case(ask.key(0)));
    let Some(row) = found else { return Err(GraphError::NoSuchObject(ask.key(0).to_owned()).into()) };
    let mut body = json!({ "@odata.context": format!("{}/$metadata#auditLogs/signIns/$entity", ask.root) });
    if let (Some(body), Value::Object(entity)) = (body.as_object_mut(), signed_in(view, row)) {
        body.extend(entity);
    }
    Ok(Answer::json(body.to_string()))
}

fn listed(
    view: &View<'_>,
    ask: &Ask<'_>,
    context: &str,
    is_listed: fn(&AuditRow) -> bool,
    write: fn(&View<'_>, &AuditRow) -> Value,
) -> Result<Answer, Refusal> {
    check(view)?;
    ask.only(&[Kind::Top, Kind::SkipToken])?;
    let size = match ask.options.top {
        Some(0) => return Err(GraphError::UnsupportedQuery("Invalid page size specified: '0'.".to_owned()).into()),
        top => top.unwrap_or(LIMIT).min(LIMIT),
    };
    let bound = ask.bound_query();
    // The newest rows come first and more arrive while somebody reads: a page goes on below a row, not after so many.
    let below = match &ask.options.skip_token {
        None => u64::MAX,
        Some(token) => ask.links.offset(view.principal(), &bound, token).map(|at| at as u64).ok_or_else(|| {
            GraphError::UnsupportedQuery("The specified page token value is not valid.".to_owned())
                .because("a next link of another caller or query, or not of this service")
        })?,
    };
    let rows = ask.audit.newest_first();
    let mut rest = rows.iter().filter(|row| is_listed(row) && row.seq < below);
    let page: Vec<&AuditRow> = rest.by_ref().take(size).collect();
    let mut body = json!({ "@odata.context": format!("{}/$metadata#{context}", ask.root) });
    if let (Some(_), Some(last)) = (rest.next(), page.last()) {
        let token = ask.links.token(view.principal(), &bound, usize::try_from(last.seq).unwrap_or(usize::MAX));
        body["@odata.nextLink"] = ask.next(Kind::SkipToken, &token).into();
    }
    body["value"] = page.iter().map(|row| write(view, row)).collect();
    Ok(Answer::json(body.to_string()))
}

/// `signIn`.
fn signed_in(view: &View<'_>, row: &AuditRow) -> Value {
    let user = row.user.and_then(|id| view.user(&id.to_string()));
    let code = row.error.as_deref().and_then(|code| code.trim_start_matches("AADSTS").parse::<i32>().ok());
    json!({
        "id": row.request_id,
        "createdDateTime": time(row),
        "userDisplayName": user.map(|user| &user.display_name),
        "userPrincipalName": user.map(|user| &user.upn),
        "userId": row.user.map(|id| id.to_string()).unwrap_or_default(),
        "appId": row.client.map(|id| id.to_string()),
        "appDisplayName": row.client.and_then(|app| view.app_name(app)),
        "ipAddress": "127.0.0.1",
        "clientAppUsed": "Browser",
        "correlationId": row.client_request_id.as_deref().unwrap_or(&row.request_id),
        "conditionalAccessStatus": "notApplied",
        "isInteractive": true,
        "riskDetail": "none",
        "riskLevelAggregated": "none",
        "riskLevelDuringSignIn": "none",
        "riskState": "none",
        "riskEventTypes_v2": [],
        "resourceDisplayName": "Microsoft Graph",
        "resourceId": "00000003-0000-0000-c000-000000000000",
        "status": {
            "errorCode": if row.error.is_none() { Some(0) } else { code },
            "failureReason": if row.error.is_none() { "Other." } else { row.reason.as_deref().unwrap_or_default() },
            "additionalDetails": null,
        },
        "deviceDetail": null,
        "location": null,
        "appliedConditionalAccessPolicies": [],
    })
}

/// A row of the table `MicrosoftGraphActivityLogs`.
fn activity(row: &AuditRow) -> Value {
    let method = row.operation.split(' ').next().unwrap_or_default();
    json!({
        "TimeGenerated": time(row),
        "AadTenantId": row.tenant.map(|id| id.to_string()),
        "ApiVersion": "v1.0",
        "AppId": row.client.map(|id| id.to_string()),
        "UserId": row.user.map(|id| id.to_string()),
        "RequestId": row.request_id,
        "ClientRequestId": row.client_request_id,
        "OperationId": row.operation,
        "RequestMethod": method,
        "RequestUri": row.resource,
        "ResponseStatusCode": row.status,
        "Scopes": row.scopes.join(" "),
        "Roles": "",
    })
}

fn time(row: &AuditRow) -> String {
    row.time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
