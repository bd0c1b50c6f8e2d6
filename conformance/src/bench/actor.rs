//! Somebody who signed in for real, and what they can ask of the target.

use std::fmt;

use serde_json::{Value, json};

use crate::forge::Forged;
use crate::target::Shape;

/// The MCP revision the harness speaks: stateless, so that nothing but the token ties two calls together.
pub(super) const REVISION: &str = "2026-07-28";

/// The revision it speaks where a target keeps sessions.
pub(super) const SESSIONS: &str = "2025-11-25";

/// A signed-in person.
#[derive(Clone)]
pub struct Actor {
    /// For example `alice@contoso`.
    pub name: String,
    pub(super) token: String,
    pub(super) refresh: Option<String>,
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One request that can be sent: a value, so that it can be repeated, changed, or sent beside others.
#[derive(Clone)]
pub struct Call {
    pub(super) actor: String,
    pub(super) token: Option<String>,
    pub(super) method: String,
    pub(super) tool: Option<String>,
    pub(super) arguments: Value,
    pub(super) params: Option<Value>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) raw: Option<Vec<u8>>,
    pub(super) id: Value,
    /// Where things are in the answer.
    pub(super) shape: Shape,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("actor", &self.actor).field("method", &self.method).finish_non_exhaustive()
    }
}

impl Actor {
    /// The access token, to forge another from.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The same person with a forged token.
    #[must_use]
    pub fn with(&self, forged: &Forged) -> Self {
        Self { name: self.name.clone(), token: forged.token.clone(), refresh: None }
    }

    /// Calls a tool.
    pub fn call(&self, tool: &str, arguments: Value) -> Call {
        Call { tool: Some(tool.to_owned()), arguments, ..self.ask("tools/call") }
    }

    /// Asks which tools there are.
    pub fn list_tools(&self) -> Call {
        self.ask("tools/list")
    }

    /// Any MCP request.
    pub fn ask(&self, method: &str) -> Call {
        Call { actor: self.name.clone(), token: Some(self.token.clone()), ..Call::anonymous(method) }
    }

    /// Searches the own mail.
    pub fn search(&self, query: &str) -> Call {
        self.call("outlook_email_search", json!({ "query": query, "limit": 25 }))
    }

    /// Lists the own mail by page.
    pub fn page(&self, limit: u32, cursor: Option<&str>) -> Call {
        let mut arguments = json!({ "query": "budget", "limit": limit });
        if let (Some(cursor), Some(fields)) = (cursor, arguments.as_object_mut()) {
            fields.insert("cursor".to_owned(), cursor.into());
        }
        self.call("outlook_email_search", arguments)
    }

    /// Reads a resource.
    pub fn read(&self, uri: &str) -> Call {
        self.call("read_resource", json!({ "uri": uri }))
    }

    /// Asks who one is.
    pub fn get_me(&self) -> Call {
        self.call("get_me", json!({}))
    }
}

impl Call {
    /// An MCP request of nobody: without a token.
    pub fn anonymous(method: &str) -> Self {
        Self {
            actor: "nobody".to_owned(),
            token: None,
            method: method.to_owned(),
            tool: None,
            arguments: Value::Null,
            params: None,
            headers: Vec::new(),
            raw: None,
            id: 1.into(),
            shape: Shape::default(),
        }
    }

    /// The tool that is called, and its arguments.
    pub fn tool(&self) -> Option<(&str, &Value)> {
        self.tool.as_deref().map(|tool| (tool, &self.arguments))
    }

    /// The same question to a tool that is called otherwise.
    #[must_use]
    pub(crate) fn asked_of(mut self, tool: &str, arguments: Value, shape: Shape) -> Self {
        (self.tool, self.arguments, self.shape) = (Some(tool.to_owned()), arguments, shape);
        self
    }

    /// The same request with these parameters.
    #[must_use]
    pub fn params(mut self, params: Value) -> Self {
        self.params = Some(params);
        self
    }

    /// The same request with a header set to something else; an empty text leaves it out.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// The same request with another body, whatever it is.
    #[must_use]
    pub fn raw(mut self, body: Vec<u8>) -> Self {
        self.raw = Some(body);
        self
    }

    /// The same request as another message.
    #[must_use]
    pub fn numbered(mut self, id: Value) -> Self {
        self.id = id;
        self
    }

    /// The same request without a token.
    #[must_use]
    pub fn without_token(mut self) -> Self {
        self.token = None;
        self
    }

    /// The headers of a request that says everything.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![
            ("mcp-protocol-version".to_owned(), REVISION.to_owned()),
            ("mcp-method".to_owned(), self.method.clone()),
        ];
        headers.extend(self.tool.iter().map(|tool| ("mcp-name".to_owned(), tool.clone())));
        self.with_own_headers(headers)
    }

    /// The headers of a request inside a session.
    pub(super) fn session_headers(&self, session: Option<&str>) -> Vec<(String, String)> {
        let mut headers = vec![("mcp-protocol-version".to_owned(), SESSIONS.to_owned())];
        headers.extend(session.map(|id| ("mcp-session-id".to_owned(), id.to_owned())));
        self.with_own_headers(headers)
    }

    fn with_own_headers(&self, of_the_revision: Vec<(String, String)>) -> Vec<(String, String)> {
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("accept".to_owned(), "application/json, text/event-stream".to_owned()),
        ];
        headers.extend(of_the_revision);
        if let Some(token) = &self.token {
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        for (name, value) in &self.headers {
            headers.retain(|(known, _)| known != name);
            if !value.is_empty() {
                headers.push((name.clone(), value.clone()));
            }
        }
        headers
    }

    /// The body of a request that says everything.
    pub(super) fn body(&self) -> Vec<u8> {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": REVISION,
            "io.modelcontextprotocol/clientInfo": { "name": "offline365-harness", "version": env!("CARGO_PKG_VERSION") },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        self.message(Some(meta))
    }

    /// The body of a request inside a session.
    pub(super) fn session_body(&self) -> Vec<u8> {
        self.message(None)
    }

    fn message(&self, meta: Option<Value>) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let mut params = match (&self.params, &self.tool) {
            (Some(params), _) => params.clone(),
            (None, Some(tool)) => json!({ "name": tool, "arguments": self.arguments }),
            (None, None) => json!({}),
        };
        if let (Some(fields), Some(meta)) = (params.as_object_mut(), meta) {
            fields.entry("_meta").or_insert(meta);
        }
        json!({ "jsonrpc": "2.0", "id": self.id, "method": self.method, "params": params }).to_string().into_bytes()
    }

    /// Whether its bytes say something, in the revision that the harness speaks.
    pub(super) fn is_raw(&self) -> bool {
        self.raw.is_some()
    }

    /// Whether it is more than a message from somebody: its headers, its bytes, or that nobody sends it, say something.
    pub(super) fn needs_an_endpoint(&self) -> bool {
        self.token.is_none() || self.raw.is_some() || !self.headers.is_empty()
    }
}
