//! One request of a browser at the login host: what every step of a sign-in knows.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Path, Request};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;

use super::error::{EntraError, Trace};
use super::form::Form;
use super::rules::Contexts;
use super::tenant::Authority;
use crate::directory::Circumstances;
use crate::serve::{Arrived, address};
use crate::world::{State, World};

/// In bytes. What the real service bears is not public.
const LONGEST_QUERY: usize = 16 * 1024;

/// A request, taken apart once for every endpoint that answers people.
pub(super) struct Arrival {
    state: Arc<State>,
    origin: String,
    tenant: String,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl FromRequest<Arc<State>> for Arrival {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &Arc<State>) -> Result<Self, Infallible> {
        let (mut parts, body) = request.into_parts();
        let origin = parts.extensions.get::<Arrived>().map(|arrived| arrived.origin.clone()).unwrap_or_default();
        let tenant =
            Path::<String>::from_request_parts(&mut parts, state).await.map_or_else(|_| String::new(), |path| path.0);
        // The listener read the body already and limited it.
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        let state = Arc::clone(state);
        Ok(Self { state, origin, tenant, method: parts.method, uri: parts.uri, headers: parts.headers, body })
    }
}

impl Arrival {
    /// The parameters: of the query, or of the form that was posted.
    fn form(&self) -> Result<Form, EntraError> {
        if self.method == Method::POST {
            Form::body(&self.headers, &self.body)
        } else {
            let query = self.uri.query().unwrap_or_default();
            if query.len() > LONGEST_QUERY { Err(EntraError::QueryTooLong) } else { Form::parse(query) }
        }
    }

    /// Answers with what `step` makes of the visit, or with the error page.
    pub(super) fn answer(&self, step: impl FnOnce(&Visit<'_>, &Form) -> Response) -> Response {
        self.answer_raw(|visit, _| match self.form() {
            Ok(form) => step(visit, &form),
            Err(error) => visit.error(&error),
        })
    }

    /// Answers with what `step` makes of the visit and the body as it came.
    pub(super) fn answer_raw(&self, step: impl FnOnce(&Visit<'_>, &[u8]) -> Response) -> Response {
        let trace = Trace::of(&self.state, &self.headers, &self.origin);
        let world = self.state.world();
        let visit = Visit {
            state: &self.state,
            world: &world,
            tenant_text: &self.tenant,
            method: &self.method,
            path: self.uri.path(),
            headers: &self.headers,
            trace: &trace,
            origin: &self.origin,
        };
        let mut response = step(&visit, &self.body);
        trace.mark(response.headers_mut());
        response
    }
}

/// What every step of a sign-in knows.
#[derive(Clone, Copy)]
pub(super) struct Visit<'s> {
    pub(super) state: &'s State,
    pub(super) world: &'s World,
    /// The first path segment as it was sent.
    pub(super) tenant_text: &'s str,
    pub(super) method: &'s Method,
    pub(super) path: &'s str,
    pub(super) headers: &'s HeaderMap,
    pub(super) trace: &'s Trace,
    pub(super) origin: &'s str,
}

impl Visit<'_> {
    /// Which tenants the path names.
    pub(super) fn authority(&self) -> Result<Authority, EntraError> {
        Authority::parse(self.world, self.tenant_text)
    }

    /// The first path segment of links: a domain becomes the GUID, nonsense becomes `common`.
    pub(super) fn tenant_segment(&self) -> String {
        self.authority().map_or_else(|_| "common".to_owned(), Authority::segment)
    }

    /// The error page.
    pub(super) fn error(&self, error: &EntraError) -> Response {
        super::pages::message::error(self.trace, error)
    }

    /// What this request comes with, for conditional access.
    pub(super) fn circumstances(&self, contexts: Contexts) -> Circumstances {
        let policies = BTreeSet::new();
        Circumstances { now: self.trace.now, address: address::of(self.headers), contexts, policies }
    }

    pub(super) fn is_secure(&self) -> bool {
        self.origin.starts_with("https:")
    }
}
