//! What is an address of the host? A row: method, path, what it does, who may, what goes in and comes out. The router and the
//! OpenAPI document are both made from the rows, so neither can say what the other does not.

use axum::routing::MethodRouter;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::Host;

/// One address.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// What it does, in a line.
    pub(super) does: &'static str,
    pub(super) access: Access,
    pub(super) query: &'static [(&'static str, &'static str)],
    pub(super) takes: Option<fn(&mut SchemaGenerator) -> Schema>,
    pub(super) gives: Gives,
    pub(super) handler: fn() -> MethodRouter<Host>,
}

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody.
    Open,
    /// Somebody with an API token or a session.
    Person,
    /// A member of an organization that has the connector on.
    Admitted,
    /// An owner.
    Owner,
}

/// What comes back when all is well.
#[derive(Clone, Copy)]
pub(super) enum Gives {
    Json(fn(&mut SchemaGenerator) -> Schema),
    Page,
    Events,
}

/// The schema of a body.
pub(super) fn body<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Access {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Open => "For anybody.",
            Self::Person => "For people of the host.",
            Self::Admitted => "For members of an organization that has the connector on.",
            Self::Owner => "For owners of the organization.",
        }
    }
}

/// The OpenAPI 3.1 document of `routes`.
pub(super) fn openapi(routes: &[Route]) -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let error = generator.subschema_for::<ErrorBody>();
    let mut paths = Map::<String, Value>::new();
    for route in routes {
        let mut operation = json!({
            "summary": route.does,
            "description": route.access.sentence(),
            "responses": {
                "200": answer(route.gives, &mut generator),
                "default": { "description": "A refusal.", "content": { "application/json": { "schema": error } } },
            },
        });
        let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let in_path =
            in_path.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
        let in_query = route.query.iter().map(
            |(name, does)| json!({ "name": name, "in": "query", "description": does, "schema": { "type": "string" } }),
        );
        let parameters: Vec<_> = in_path.chain(in_query).collect();
        if let Some(operation) = operation.as_object_mut() {
            if !parameters.is_empty() {
                operation.insert("parameters".to_owned(), parameters.into());
            }
            if let Some(takes) = route.takes {
                let schema = takes(&mut generator);
                operation.insert(
                    "requestBody".to_owned(),
                    json!({ "content": { "application/json": { "schema": schema } } }),
                );
            }
            if route.access == Access::Open {
                operation.insert("security".to_owned(), json!([]));
            }
        }
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.to_ascii_lowercase(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "offline365 host", "version": env!("CARGO_PKG_VERSION"),
            "description": "The assistant's back end around the read-only Microsoft 365 connector.",
        },
        "security": [{ "apiToken": [] }, { "session": [], "csrf": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {
                "apiToken": { "type": "http", "scheme": "bearer" },
                "session": { "type": "apiKey", "in": "cookie", "name": "__Host-offline365-session" },
                "csrf": { "type": "apiKey", "in": "header", "name": "X-CSRF-Token" },
            },
        },
    })
}

fn answer(gives: Gives, generator: &mut SchemaGenerator) -> Value {
    let content = match gives {
        Gives::Json(schema) => json!({ "application/json": { "schema": schema(generator) } }),
        Gives::Page => json!({ "text/html": {} }),
        Gives::Events => json!({ "text/event-stream": {} }),
    };
    json!({ "description": "Done.", "content": content })
}

/// Every refusal.
#[derive(JsonSchema)]
#[schemars(rename = "Error")]
#[expect(dead_code, reason = "the shape alone; answers are written by error.rs")]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "the shape alone; answers are written by error.rs")]
struct ErrorDetail {
    /// For programs.
    code: String,
    /// For people.
    message: String,
    /// With `SIGN_IN_REQUIRED`: why.
    reason: Option<String>,
}
