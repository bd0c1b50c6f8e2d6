//! What a model can call: one file per tool, one line here. A tool gets a [`Reach`]: one caller's reads, and nothing else.

mod chat_message_search;
mod cursor;
mod dates;
mod envelope;
mod find_meeting_availability;
mod get_me;
mod outlook_calendar_search;
mod outlook_email_search;
mod read_resource;
mod sharepoint_search;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rmcp::handler::server::tool::{schema_for_input, schema_for_output};
use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::graph::{self, client::Reader};
use crate::policy::scopes::Need;
use crate::refusal::{Code, Refusal};
use crate::resource_uri::{Mailbox, ResourceUri, Segment};
use crate::server::Services;
use crate::server::request_id::RequestId;

/// Every tool, by name: `tools/list` has this order.
pub(crate) const TOOLS: &[ToolRow] = &[
    chat_message_search::TOOL,
    find_meeting_availability::TOOL,
    get_me::TOOL,
    outlook_calendar_search::TOOL,
    outlook_email_search::TOOL,
    read_resource::TOOL,
    sharepoint_search::FOLDERS,
    sharepoint_search::TOOL,
];

/// The tool that resources are read with.
pub(crate) const READ_RESOURCE: ToolRow = read_resource::TOOL;

/// One tool.
pub(crate) struct ToolRow {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    /// What it works with; one of them is enough to be of use.
    pub(crate) needs: &'static [Need],
    pub(crate) input: fn() -> Arc<JsonObject>,
    pub(crate) output: fn() -> Arc<JsonObject>,
    pub(crate) call: Call,
}

/// From a caller's reach and arguments to an answer.
type Call = for<'a> fn(&'a Reach<'a>, Map<String, Value>) -> Answered<'a>;

type Answered<'a> = BoxFuture<'a, Result<Value, Refusal>>;

/// What one call of one caller can reach.
pub(crate) struct Reach<'a> {
    services: &'a Services,
    caller: &'a Caller,
    call: graph::client::Call,
}

impl<'a> Reach<'a> {
    pub(crate) fn new(services: &'a Services, caller: &'a Caller, id: RequestId) -> Self {
        Self { services, caller, call: graph::client::Call::new(id) }
    }

    /// Graph's request ids so far.
    pub(crate) fn graph_requests(&self) -> Vec<String> {
        self.call.graph_requests()
    }

    /// Counts `calls` against what this caller may ask for in a minute.
    pub(crate) fn count(&self, calls: u32) -> Result<(), Refusal> {
        self.services.graph.limits.count(self.caller, calls)
    }

    /// Whether what this names may be read, as far as tools are switched on and off.
    fn may_read(&self, uri: &ResourceUri) -> Result<(), Refusal> {
        let services = self.services;
        if (services.policy.reading_enabled)(&*services.admission, self.caller, uri) {
            return Ok(());
        }
        Err(Refusal::new(Code::ToolDisabled, "What this names is found by a tool that is switched off."))
    }

    fn graph(&self, need: Need) -> Reader<'_> {
        self.services.graph.reader(self.caller, need, &self.call)
    }

    /// Mail of a mailbox. One's own, even when it is asked for by address.
    fn mail(&self, mailbox: &Mailbox) -> Reader<'_> {
        self.graph(match mailbox {
            Mailbox::Own => Need::OwnMail,
            Mailbox::Of(_) => Need::SharedMail,
        })
    }

    /// A calendar. One's own, even when it is asked for by address.
    fn calendar(&self, mailbox: &Mailbox) -> Reader<'_> {
        self.graph(match mailbox {
            Mailbox::Own => Need::OwnCalendar,
            Mailbox::Of(_) => Need::SharedCalendar,
        })
    }

    /// One's own mail as far as it may be seen, and whether that is the limited mode: with `Mail.ReadBasic` where `Mail.Read` is
    /// missing, if the operator allows it.
    async fn mail_or_basics(&self, mailbox: &Mailbox) -> Result<(Reader<'_>, bool), Refusal> {
        let full = self.mail(mailbox);
        if !self.services.limited_mode || *mailbox != Mailbox::Own {
            return Ok((full, false));
        }
        match full.check().await {
            Err(refusal) if refusal.is_about_a_grant() => {
                let basic = self.graph(Need::BasicMail);
                basic.check().await.map_err(|_| refusal)?;
                Ok((basic, true))
            }
            _ => Ok((full, false)),
        }
    }

    fn mailbox_of(&self, address: Option<&str>) -> Result<Mailbox, Refusal> {
        self.owner_of("mailboxOwnerEmail", address)
    }

    /// Whose mailbox or calendar the parameter names.
    fn owner_of(&self, parameter: &str, address: Option<&str>) -> Result<Mailbox, Refusal> {
        let Some(address) = address else { return Ok(Mailbox::Own) };
        let address = address.trim();
        if self.caller.goes_by(address) {
            return Ok(Mailbox::Own);
        }
        let address = Segment::address(address).ok_or_else(|| {
            Refusal::argument(parameter, "A mailbox is named by its address, such as support@contoso.example.")
        })?;
        Ok(Mailbox::Of(address))
    }
}

/// Whether there is such a tool.
pub(crate) fn is_known(name: &str) -> bool {
    TOOLS.iter().any(|row| row.name == name)
}

/// The names of all tools.
fn names() -> Box<dyn Iterator<Item = &'static str> + Send> {
    Box::new(TOOLS.iter().map(|row| row.name))
}

fn input_schema<T: JsonSchema + 'static>() -> Arc<JsonObject> {
    published(schema_for_input::<T>().unwrap_or_default())
}

fn output_schema<T: JsonSchema + 'static>() -> Arc<JsonObject> {
    published(schema_for_output::<T>())
}

/// How wide Rust's numbers are is no format of JSON Schema, and clients that check answers warn of each: the bounds beside it say enough.
fn published(mut schema: Arc<JsonObject>) -> Arc<JsonObject> {
    fn without_widths(schema: &mut JsonObject) {
        if schema.get("format").and_then(Value::as_str).is_some_and(|format| format.contains("int")) {
            schema.remove("format");
        }
        for value in schema.values_mut() {
            match value {
                Value::Object(inner) => without_widths(inner),
                Value::Array(several) => several.iter_mut().filter_map(Value::as_object_mut).for_each(without_widths),
                _ => {}
            }
        }
    }
    without_widths(Arc::make_mut(&mut schema));
    schema
}

/// The most that one argument may say, as JSON in bytes. Graph's addresses end far below that, and so does what a person asks.
const LONGEST_ARGUMENT: usize = 16 * 1024;

/// Reads a tool's arguments. Unknown ones are refused by name.
fn arguments<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T, Refusal> {
    if let Some((name, _)) =
        arguments.iter().find(|(name, value)| name.len() + value.to_string().len() > LONGEST_ARGUMENT)
    {
        let name: String = name.chars().take(64).collect();
        return Err(Refusal::argument(&name, format!("`{name}` is longer than {LONGEST_ARGUMENT} bytes.")));
    }
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| Refusal::new(Code::InvalidArgument, format!("The arguments are not understood: {error}.")))
}

fn answer<T: Serialize>(output: &T) -> Result<Value, Refusal> {
    serde_json::to_value(output).map_err(|_| Refusal::new(Code::UpstreamError, "The answer cannot be written."))
}

/// Something that the reader of an answer should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Note {
    /// Stable code.
    code: &'static str,
    /// In words.
    message: String,
}

impl Note {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
