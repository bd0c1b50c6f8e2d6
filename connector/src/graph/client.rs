//! How is one read sent for one caller? With a token exchanged for just that, to the configured origin alone.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::ask::GraphAsk;
use super::request::GraphRead;
use super::retry;
use crate::caller::Caller;
use crate::entra::challenge;
use crate::entra::obo::{Exchange, GraphToken};
use crate::limits::Limits;
use crate::policy::Policy;
use crate::policy::links::DownloadOrigin;
use crate::policy::refusals::{AfterChallenge, GraphFailure, Subject};
use crate::policy::scopes::Need;
use crate::refusal::{Code, Refusal};
use crate::server::request_id::RequestId;
use crate::transport::{Incoming, Outgoing, Transport, TransportError};

/// The largest answer that is read.
const LIMIT: usize = 24 * 1024 * 1024;

/// Microsoft Graph, as this server reaches it.
pub(crate) struct Graph {
    origin: Url,
    downloads: Vec<DownloadOrigin>,
    policy: Policy,
    pub(crate) exchange: Exchange,
    transport: Arc<dyn Transport>,
    pub(crate) limits: Limits,
}

/// Graph for one caller and one purpose.
pub(crate) struct Reader<'a> {
    graph: &'a Graph,
    caller: &'a Caller,
    need: Need,
    call: &'a Call,
}

/// One request: an address from a closed list and, for the questions that go by POST, the question.
struct Sent {
    url: Url,
    question: Option<Bytes>,
}

/// What all requests of one call share: its name, and Graph's names for them.
pub(crate) struct Call {
    id: RequestId,
    requests: Mutex<Vec<String>>,
}

impl Call {
    pub(crate) fn new(id: RequestId) -> Self {
        Self { id, requests: Mutex::default() }
    }

    /// Graph's request ids so far.
    pub(crate) fn graph_requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Deserialize, Default)]
struct ErrorBody {
    #[serde(default)]
    error: ErrorDetail,
}

#[derive(Deserialize, Default)]
struct ErrorDetail {
    #[serde(default)]
    code: String,
}

impl Graph {
    pub(crate) fn new(
        origin: Url,
        downloads: Vec<DownloadOrigin>,
        policy: Policy,
        exchange: Exchange,
        transport: Arc<dyn Transport>,
        limits: Limits,
    ) -> Self {
        Self { origin, downloads, policy, exchange, transport, limits }
    }

    /// A reader for one call.
    pub(crate) fn reader<'a>(&'a self, caller: &'a Caller, need: Need, call: &'a Call) -> Reader<'a> {
        Reader { graph: self, caller, need, call }
    }

    /// Where `link`, a next link, leads; within Graph only.
    fn followed(&self, link: &str) -> Result<Url, Refusal> {
        (self.policy.follow_link)(link, &self.origin)
            .map_err(|error| Refusal::new(Code::UpstreamError, format!("{error}; it was not followed.")))
    }
}

impl Reader<'_> {
    /// Reads one thing.
    pub(crate) async fn read<T: DeserializeOwned>(&self, read: &GraphRead<'_>) -> Result<T, Refusal> {
        let url = read
            .url(&self.graph.origin)
            .map_err(|_| Refusal::new(Code::InvalidArgument, "No address of Microsoft Graph can be made of this."))?;
        self.get(url).await
    }

    /// Asks what can only be asked by POST, and writes nothing.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, ask: &GraphAsk<'_>) -> Result<T, Refusal> {
        let url = ask
            .url(&self.graph.origin)
            .map_err(|_| Refusal::new(Code::InvalidArgument, "No address of Microsoft Graph can be made of this."))?;
        self.answered(&Sent { url, question: Some(ask.body()) }).await
    }

    /// Reads the page that a next link leads to.
    pub(crate) async fn next<T: DeserializeOwned>(&self, link: &str) -> Result<T, Refusal> {
        self.get(self.graph.followed(link)?).await
    }

    /// The bytes that `read` answers with.
    pub(crate) async fn raw(&self, read: &GraphRead<'_>) -> Result<Bytes, Refusal> {
        let url = read
            .url(&self.graph.origin)
            .map_err(|_| Refusal::new(Code::InvalidArgument, "No address of Microsoft Graph can be made of this."))?;
        let (answer, _) = self.accepted(&Sent { url, question: None }, |status| status == StatusCode::OK).await?;
        // A page of a proxy, or of a sign-in, is no answer of Graph's.
        if text(&answer.headers, header::CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with("text/html")) {
            return Err(Refusal::new(Code::UpstreamError, "Microsoft 365's answer is not the file."));
        }
        Ok(answer.body)
    }

    /// What stands at an address that somebody gave, if the policy lets addresses be read: the shipped one does not.
    pub(crate) async fn at_address(&self, text: &str) -> Option<Result<String, Refusal>> {
        let url = (self.graph.policy.read_address)(text, &self.graph.origin)?;
        let answer = self.accepted(&Sent { url, question: None }, |status| status.is_success()).await;
        Some(answer.map(|(answer, _)| String::from_utf8_lossy(&answer.body).into_owned()))
    }

    /// The bytes that `read` redirects to, if they are no more than `limit`, and their declared type.
    pub(crate) async fn content(&self, read: &GraphRead<'_>, limit: usize) -> Result<(Bytes, String), Refusal> {
        let url = read
            .url(&self.graph.origin)
            .map_err(|_| Refusal::new(Code::InvalidArgument, "No address of Microsoft Graph can be made of this."))?;
        let (answer, token) = self.accepted(&Sent { url, question: None }, |status| status.is_redirection()).await?;
        let link = text(&answer.headers, header::LOCATION.as_str()).unwrap_or_default();
        let url = (self.graph.policy.follow_download)(&link, &self.graph.downloads).map_err(|_| {
            let message =
                "Microsoft 365 keeps this file at an address that this connector does not fetch from; it was not followed.";
            Refusal::new(Code::UpstreamError, message)
        })?;
        let mut headers = HeaderMap::new();
        if let Some(bearer) = (self.graph.policy.download_token)(&token.secret) {
            headers.insert(header::AUTHORIZATION, bearer);
        }
        let answer = self
            .again(|| {
                Ok(Outgoing {
                    method: Method::GET,
                    url: url.clone(),
                    headers: headers.clone(),
                    body: Bytes::new(),
                    limit,
                })
            })
            .await?;
        match answer.status.as_u16() {
            200 => {
                let kind = text(&answer.headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
                Ok((answer.body, kind))
            }
            // Short-lived, and closed when the file is gone.
            401 | 403 | 404 | 410 => Err(Refusal::not_found()),
            429 => Err((self.graph.policy.graph_refusal)(&failure(&answer), Subject::File)),
            _ => Err(Refusal::new(Code::UpstreamError, "The content of the file could not be fetched.")),
        }
    }

    /// Whether the issuer gives a token for this.
    pub(crate) async fn check(&self) -> Result<(), Refusal> {
        self.graph.exchange.token(self.caller, self.need, None).await.map(drop)
    }

    /// What the issuer says this reader may do.
    pub(crate) async fn granted(&self) -> Result<String, Refusal> {
        Ok(self.graph.exchange.token(self.caller, self.need, None).await?.granted)
    }

    fn subject(&self, request: &Sent) -> Subject {
        match self.need {
            Need::SharedMail | Need::SharedCalendar => Subject::SharedMailbox,
            // A search names no id.
            Need::Chats | Need::Channels if request.question.is_none() => Subject::Conversation,
            Need::Sites | Need::OwnFiles | Need::SharedFiles if request.question.is_none() => Subject::File,
            _ => Subject::Own,
        }
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, Refusal> {
        self.answered(&Sent { url, question: None }).await
    }

    async fn answered<T: DeserializeOwned>(&self, request: &Sent) -> Result<T, Refusal> {
        let (answer, _) = self.accepted(request, |status| status.is_success()).await?;
        // A page of a proxy, or of a sign-in, is no answer of Graph's.
        if !is_json(&answer.headers) {
            return Err(Refusal::new(Code::UpstreamError, "Microsoft 365's answer is not JSON."));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|_| Refusal::new(Code::UpstreamError, "Microsoft 365's answer is not understood."))
    }

    /// An answer that is as `wanted`, and the token that got it.
    async fn accepted(
        &self,
        request: &Sent,
        wanted: fn(StatusCode) -> bool,
    ) -> Result<(Incoming, GraphToken), Refusal> {
        let mut claims = None;
        let mut refused = 0;
        loop {
            let token = self.graph.exchange.token(self.caller, self.need, claims.as_deref()).await?;
            let answer = self.again(|| outgoing(request, &token, self.call.id)).await?;
            if wanted(answer.status) {
                return Ok((answer, token));
            }
            let failure = failure(&answer);
            if failure.status == 401 {
                self.graph.exchange.forget(&token);
                refused += 1;
                if (self.graph.policy.after_challenge)(refused) == AfterChallenge::ExchangeAgain {
                    claims.clone_from(&failure.claims);
                    continue;
                }
            }
            return Err((self.graph.policy.graph_refusal)(&failure, self.subject(request)));
        }
    }

    /// Sends, and sends again where that may help. The only place that waits.
    async fn again(&self, request: impl Fn() -> Result<Outgoing, Refusal>) -> Result<Incoming, Refusal> {
        let mut attempt = 1;
        loop {
            // Not held while waiting: another request of this user's may go on.
            let answer = {
                let _under_way = self.graph.limits.enter(self.caller).await;
                self.graph.transport.send(request()?).await
            };
            let (outcome, retry_after) = match &answer {
                Ok(answer) => {
                    self.note(answer);
                    (Ok(answer.status.as_u16()), retry_after(&answer.headers))
                }
                Err(error) => (Err(*error), None),
            };
            let Some(pause) = retry::pause(outcome, retry_after, attempt) else {
                if let (Ok(429), Some(seconds)) = (outcome, retry_after) {
                    self.graph.limits.rest(self.caller, seconds);
                }
                return answer.map_err(unreachable_graph);
            };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    fn note(&self, answer: &Incoming) {
        if let Some(id) = text(&answer.headers, "request-id") {
            self.call.requests.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        }
    }
}

fn outgoing(request: &Sent, token: &GraphToken, id: RequestId) -> Result<Outgoing, Refusal> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.secret.expose_secret()))
        .map_err(|_| Refusal::new(Code::UpstreamError, "The issuer's token cannot be sent."))?;
    bearer.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, bearer);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static("client-request-id"), id.header());
    let (method, body) = match &request.question {
        None => (Method::GET, Bytes::new()),
        Some(question) => {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            (Method::POST, question.clone())
        }
    };
    Ok(Outgoing { method, url: request.url.clone(), headers, body, limit: LIMIT })
}

fn failure(answer: &Incoming) -> GraphFailure {
    let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
    GraphFailure {
        status: answer.status.as_u16(),
        code: body.error.code,
        request_id: text(&answer.headers, "request-id"),
        retry_after: retry_after(&answer.headers),
        claims: challenge::claims(&answer.headers),
    }
}

fn unreachable_graph(error: TransportError) -> Refusal {
    match error {
        TransportError::Timeout => Refusal::new(Code::Timeout, "Microsoft 365 did not answer in time."),
        TransportError::TooLarge => {
            Refusal::new(Code::TooLarge, "Microsoft 365's answer is larger than this connector reads.")
        }
        TransportError::Connection => Refusal::new(Code::UpstreamError, "Microsoft 365 could not be reached."),
    }
}

/// In seconds. The form of a date is not used by Graph, and not read.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    text(headers, "retry-after")?.trim().parse().ok()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    kind.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
