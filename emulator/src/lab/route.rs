//! What one control is: a row with its address, its request, its answer and what it may refuse.
//!
//! To add a control: a type for the request (`Deserialize` and [`JsonSchema`], `deny_unknown_fields`), a type for the answer
//! (`Serialize` and [`JsonSchema`]), an `async fn(Arc<State>, Request) -> Result<Answer, LabError>`, and a row in the file's
//! `routes()`. The router, `GET /lab/openapi.json` and docs/lab.md all come from that row; what a field means is its doc comment.

use std::pin::Pin;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodFilter;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::refusal::{LabError, Refusal};
use crate::world::State;

/// Runs a control.
type Handler = Arc<dyn Fn(Arc<State>, Request) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

/// How a control is asked. Reads have their request in the query, everything else in a JSON body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verb {
    /// Changes nothing.
    Get,
    /// Changes something.
    Post,
}

impl Verb {
    /// As OpenAPI spells it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
        }
    }

    pub(super) const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
        }
    }
}

/// One control.
pub(super) struct Route {
    pub(super) verb: Verb,
    pub(super) path: &'static str,
    /// What it does, in one line.
    pub(super) summary: &'static str,
    /// What it may refuse beside a malformed request.
    pub(super) refusals: &'static [Refusal],
    /// The schema of the query or body.
    pub(super) request: fn(&mut SchemaGenerator) -> Schema,
    /// The schema of the answer.
    pub(super) answer: fn(&mut SchemaGenerator) -> Schema,
    pub(super) handler: Handler,
}

impl Route {
    /// Names what it may refuse. A test drives each control and accepts no status that is not named.
    pub(super) const fn refuses(mut self, refusals: &'static [Refusal]) -> Self {
        self.refusals = refusals;
        self
    }
}

/// A read: `GET`, its request in the query.
pub(super) fn get<In, Out, F, Fut>(path: &'static str, summary: &'static str, control: F) -> Route
where
    In: DeserializeOwned + JsonSchema + Send,
    Out: Serialize + JsonSchema,
    F: Fn(Arc<State>, In) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Out, LabError>> + Send,
{
    let handler: Handler = Arc::new(move |state, request| {
        let control = control.clone();
        Box::pin(async move {
            match Query::<In>::try_from_uri(request.uri()) {
                Ok(Query(asked)) => answer(control(state, asked).await),
                Err(error) => LabError::bad(error.body_text()).into_response(),
            }
        })
    });
    row::<In, Out>(Verb::Get, path, summary, handler)
}

/// A change: `POST`, its request a JSON body.
pub(super) fn post<In, Out, F, Fut>(path: &'static str, summary: &'static str, control: F) -> Route
where
    In: DeserializeOwned + JsonSchema + Send,
    Out: Serialize + JsonSchema,
    F: Fn(Arc<State>, In) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Out, LabError>> + Send,
{
    let handler: Handler = Arc::new(move |state, request| {
        let control = control.clone();
        Box::pin(async move {
            match body::<In>(request.into_body()).await {
                Ok(asked) => answer(control(state, asked).await),
                Err(error) => error.into_response(),
            }
        })
    });
    row::<In, Out>(Verb::Post, path, summary, handler)
}

fn row<In: JsonSchema, Out: JsonSchema>(
    verb: Verb,
    path: &'static str,
    summary: &'static str,
    handler: Handler,
) -> Route {
    Route {
        verb,
        path,
        summary,
        refusals: &[],
        request: SchemaGenerator::subschema_for::<In>,
        answer: SchemaGenerator::subschema_for::<Out>,
        handler,
    }
}

/// The listener read it whole and within its limit before.
async fn body<T: DeserializeOwned>(body: Body) -> Result<T, LabError> {
    let bytes = to_bytes(body, usize::MAX).await.map_err(|_| LabError::bad("the body broke off"))?;
    serde_json::from_slice(&bytes).map_err(|error| LabError::bad(error.to_string()))
}

fn answer<T: Serialize>(done: Result<T, LabError>) -> Response {
    match done {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => error.into_response(),
    }
}

/// Nothing needs to be said: no query, or the body `{}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// It is done.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Done {}
