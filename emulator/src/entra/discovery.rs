//! Documents that clients read before anything else: OpenID configuration, keys, instances.

use std::sync::Arc;

use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{EntraError, Trace};
use super::keys::Version;
use super::tenant::Authority;
use crate::serve::Arrived;
use crate::world::State;

/// `/{t}/v2.0/.well-known/openid-configuration`.
pub(super) async fn v2(
    state: Shared<Arc<State>>,
    arrived: Extension<Arrived>,
    tenant: Path<String>,
    headers: HeaderMap,
) -> Response {
    configuration(&state, &arrived.origin, &tenant, &headers, Version::V2)
}

/// `/{t}/.well-known/openid-configuration`.
pub(super) async fn v1(
    state: Shared<Arc<State>>,
    arrived: Extension<Arrived>,
    tenant: Path<String>,
    headers: HeaderMap,
) -> Response {
    configuration(&state, &arrived.origin, &tenant, &headers, Version::V1)
}

/// `/{t}/discovery/v2.0/keys`.
pub(super) async fn keys_v2(
    state: Shared<Arc<State>>,
    arrived: Extension<Arrived>,
    tenant: Path<String>,
    headers: HeaderMap,
) -> Response {
    keys(&state, &arrived.origin, &tenant, &headers, Version::V2)
}

/// `/{t}/discovery/keys`.
pub(super) async fn keys_v1(
    state: Shared<Arc<State>>,
    arrived: Extension<Arrived>,
    tenant: Path<String>,
    headers: HeaderMap,
) -> Response {
    keys(&state, &arrived.origin, &tenant, &headers, Version::V1)
}

fn keys(state: &State, origin: &str, tenant: &str, headers: &HeaderMap, version: Version) -> Response {
    match Authority::parse(&state.world(), tenant) {
        Ok(authority) => {
            let of = match authority {
                Authority::Tenant(tenant) => Some(tenant),
                _ => None,
            };
            public(Json(state.keys.document(version, origin, of)).into_response())
        }
        Err(error) => public(Trace::of(state, headers, origin).refuse(&error)),
    }
}

fn configuration(state: &State, origin: &str, tenant: &str, headers: &HeaderMap, version: Version) -> Response {
    match Authority::parse(&state.world(), tenant) {
        Ok(authority) => {
            let document = match version {
                Version::V2 => document_v2(state, origin, authority),
                Version::V1 => document_v1(state, origin, authority),
            };
            public(Json(document).into_response())
        }
        Err(error) => public(Trace::of(state, headers, origin).refuse(&error)),
    }
}

/// The issuer's tenant: a literal template where the endpoint serves many.
fn issuer_tenant(authority: Authority) -> String {
    match authority {
        Authority::Tenant(id) => id.to_string(),
        Authority::Common | Authority::Organizations => "{tenantid}".to_owned(),
    }
}

/// What the REST of the document shares between versions.
fn shared(state: &State, authority: Authority) -> Value {
    let region = match authority {
        Authority::Tenant(_) => json!("EU"),
        Authority::Common | Authority::Organizations => Value::Null,
    };
    let graph_host = state.origins.graph.host_str().unwrap_or_default();
    json!({
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "request_uri_parameter_supported": false,
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "claims_supported": [
            "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host", "aud",
            "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email",
        ],
        "tenant_region_scope": region,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": graph_host,
        "rbac_url": "https://pas.windows.net",
    })
}

fn document_v2(state: &State, origin: &str, authority: Authority) -> Value {
    let tenant = authority.segment();
    let mut document = shared(state, authority);
    document["issuer"] = json!(format!("{origin}/{}/v2.0", issuer_tenant(authority)));
    document["token_endpoint"] = json!(format!("{origin}/{tenant}/oauth2/v2.0/token"));
    document["jwks_uri"] = json!(format!("{origin}/{tenant}/discovery/v2.0/keys"));
    document["userinfo_endpoint"] = json!(format!("{}oidc/userinfo", state.origins.graph));
    document["authorization_endpoint"] = json!(format!("{origin}/{tenant}/oauth2/v2.0/authorize"));
    document["device_authorization_endpoint"] = json!(format!("{origin}/{tenant}/oauth2/v2.0/devicecode"));
    document["end_session_endpoint"] = json!(format!("{origin}/{tenant}/oauth2/v2.0/logout"));
    document["kerberos_endpoint"] = json!(format!("{origin}/{tenant}/kerberos"));
    if state.options.announce_pkce {
        document["code_challenge_methods_supported"] = json!(["plain", "S256"]);
    }
    if let Some(members) = document.as_object_mut() {
        members.retain(|name, _| !state.options.omit_metadata.contains(name));
    }
    document
}

fn document_v1(state: &State, origin: &str, authority: Authority) -> Value {
    let tenant = authority.segment();
    let mut document = shared(state, authority);
    document["issuer"] = json!(format!("https://sts.windows.net/{}/", issuer_tenant(authority)));
    document["token_endpoint"] = json!(format!("{origin}/{tenant}/oauth2/token"));
    document["jwks_uri"] = json!(format!("{origin}/{tenant}/discovery/keys"));
    document["userinfo_endpoint"] = json!(format!("{origin}/{tenant}/openid/userinfo"));
    document["authorization_endpoint"] = json!(format!("{origin}/{tenant}/oauth2/authorize"));
    document["device_authorization_endpoint"] = json!(format!("{origin}/{tenant}/oauth2/devicecode"));
    document["end_session_endpoint"] = json!(format!("{origin}/{tenant}/oauth2/logout"));
    document["check_session_iframe"] = json!(format!("{origin}/{tenant}/oauth2/checksession"));
    document["microsoft_multi_refresh_token"] = json!(true);
    document
}

/// Query of the instance discovery endpoint.
#[derive(Debug, Deserialize)]
pub(super) struct Instance {
    authorization_endpoint: Option<String>,
}

/// `/common/discovery/instance`: which hosts are one cloud. Ours is a cloud of one, next to the public one's names.
pub(super) async fn instance(
    state: Shared<Arc<State>>,
    arrived: Extension<Arrived>,
    headers: HeaderMap,
    query: Query<Instance>,
) -> Response {
    const PUBLIC: [&str; 4] =
        ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"];
    let own_host = host_of(&arrived.origin);
    let asked = query.0.authorization_endpoint.as_deref().map(host_of).unwrap_or_default();
    // MSAL for Python leaves the port out.
    let is_own = asked == own_host || own_host.split(':').next() == Some(asked.as_str());
    if !is_own && !PUBLIC.contains(&asked.as_str()) {
        return public(Trace::of(&state, &headers, &arrived.origin).refuse(&EntraError::InvalidInstance));
    }
    let segment = query
        .0
        .authorization_endpoint
        .as_deref()
        .and_then(|endpoint| url::Url::parse(endpoint).ok())
        .and_then(|url| url.path_segments()?.next().map(str::to_owned))
        .unwrap_or_else(|| "common".to_owned());
    public(
        Json(json!({
            "tenant_discovery_endpoint": format!("{}/{segment}/v2.0/.well-known/openid-configuration", arrived.origin),
            "api-version": "1.1",
            "metadata": [
                { "preferred_network": own_host, "preferred_cache": own_host, "aliases": [own_host] },
                { "preferred_network": PUBLIC[0], "preferred_cache": PUBLIC[1], "aliases": PUBLIC },
            ],
        }))
        .into_response(),
    )
}

fn host_of(url: &str) -> String {
    url::Url::parse(url)
        .ok()
        .and_then(|url| {
            let host = url.host_str()?;
            Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
        })
        .unwrap_or_default()
}

/// Documents may be kept for a day and read by any page; so may the refusal of a tenant that does not exist.
fn public(mut response: Response) -> Response {
    let is_document = response.status() == StatusCode::OK || response.status() == StatusCode::BAD_REQUEST;
    let headers = response.headers_mut();
    if is_document {
        headers.remove(header::PRAGMA);
        headers.remove(header::EXPIRES);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=86400, private"));
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, OPTIONS"));
    response
}
