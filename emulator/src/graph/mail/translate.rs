//! `translateExchangeIds`: one form of ids into another.
//!
//! <https://learn.microsoft.com/graph/api/user-translateexchangeids>

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::graph::answer::Answer;
use crate::graph::body::{self, Fields};
use crate::graph::error::{GraphError, Refusal};
use crate::graph::exchange_id;
use crate::graph::json::{array, key, string};
use crate::graph::route::{Ask, Owner};
use crate::graph::view::{MailboxView, View};

/// Most ids of one request.
const MOST: usize = 1000;

/// `exchangeIdFormat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// The binary one of MAPI clients.
    Entry,
    /// That of Exchange Web Services.
    Ews,
    /// The binary immutable one.
    ImmutableEntry,
    /// What Graph answers unless asked otherwise.
    Rest,
    /// What Graph answers for `Prefer: IdType="ImmutableId"`.
    RestImmutableEntry,
}

impl Format {
    fn named(name: &str) -> Result<Self, GraphError> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "entryid" => Self::Entry,
            "ewsid" => Self::Ews,
            "immutableentryid" => Self::ImmutableEntry,
            "restid" => Self::Rest,
            "restimmutableentryid" => Self::RestImmutableEntry,
            _ => return Err(GraphError::BadRequest(format!("Invalid value '{name:.40}' for exchangeIdFormat."))),
        })
    }

    const fn is_immutable(self) -> bool {
        matches!(self, Self::ImmutableEntry | Self::RestImmutableEntry)
    }

    /// The bytes behind an id of this form.
    fn read(self, id: &str) -> Option<Vec<u8>> {
        match self {
            // Url-safe, its padding taken off and counted by the last digit.
            Self::Entry | Self::ImmutableEntry => {
                let (bare, count) = id.split_at_checked(id.len().checked_sub(1)?)?;
                matches!(count, "0" | "1" | "2").then(|| URL_SAFE_NO_PAD.decode(bare).ok()).flatten()
            }
            Self::Ews => STANDARD.decode(id).ok(),
            Self::Rest | Self::RestImmutableEntry => exchange_id::bytes(id),
        }
    }

    fn write(self, id: &[u8]) -> String {
        match self {
            Self::Entry | Self::ImmutableEntry => {
                let padding = (3 - id.len() % 3) % 3;
                format!("{}{padding}", URL_SAFE_NO_PAD.encode(id))
            }
            Self::Ews => STANDARD.encode(id),
            Self::Rest | Self::RestImmutableEntry => URL_SAFE.encode(id),
        }
    }
}

pub(super) fn translate(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[])?;
    if let Owner::Named(key) = &ask.owner
        && view.user(key).is_none()
    {
        return Err(GraphError::NoSuchObject(key.clone()).because("no such user in the caller's tenant"));
    }
    let body = body::parse(ask)?;
    let fields = Fields::of(&body, "translateExchangeIds", &["inputIds", "sourceIdType", "targetIdType"])?;
    let ids = fields.texts("inputIds")?.unwrap_or_default();
    let (from, to) = (Format::named(fields.need("sourceIdType")?)?, Format::named(fields.need("targetIdType")?)?);
    if ids.len() > MOST {
        return Err(GraphError::BadRequest(format!("At most {MOST} ids can be translated at once.")).into());
    }
    // Who may not read the mailbox learns nothing of what was moved in it.
    let mailbox = view.mailbox(&ask.owner).ok();
    let mut out = b"{".to_vec();
    key(&mut out, "@odata.context");
    string(&mut out, &format!("{}/$metadata#Collection(microsoft.graph.convertIdResult)", ask.root));
    key(&mut out, "value");
    array(&mut out, &ids, |out, id| {
        out.extend_from_slice(b"{\"sourceId\":");
        string(out, id);
        if let Some(target) = translated(mailbox.as_ref(), id, from, to) {
            key(out, "targetId");
            string(out, &target);
        } else {
            key(out, "errorDetails");
            out.extend_from_slice(b"{\"code\":\"ErrorInvalidIdMalformed\",\"message\":\"Id is malformed.\"}");
        }
        out.push(b'}');
    });
    out.push(b'}');
    Ok(Answer::json(out))
}

fn translated(mailbox: Option<&MailboxView<'_>>, id: &str, from: Format, to: Format) -> Option<String> {
    let id = URL_SAFE.encode(from.read(id)?);
    let message = mailbox.and_then(|mailbox| mailbox.message(&id));
    let first = exchange_id::first(&id);
    // The form says what the id is; an id of the other form is none of this one.
    if from.is_immutable() != first.is_some() {
        return None;
    }
    let target = match (to.is_immutable(), message) {
        (true, Some(message)) => exchange_id::immutable(message.first_id())?,
        (true, None) => exchange_id::immutable(first.as_deref().unwrap_or(&id))?,
        (false, Some(message)) => message.id.clone(),
        (false, None) => first.unwrap_or(id),
    };
    Some(to.write(&exchange_id::bytes(&target)?))
}
