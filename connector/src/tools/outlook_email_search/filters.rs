//! Does a message match? As much as Graph understands goes into `$filter` or KQL; the rest, and exactness, is decided here.

use jiff::Timestamp;

use super::super::Note;
use super::super::dates::{self, Bound};
use super::{Input, RecipientField};
use crate::graph::mail::{Message, Recipient};
use crate::refusal::Refusal;

/// What a hit has to be.
#[derive(Debug, Clone)]
pub(super) struct Filters {
    pub(super) after: Option<Timestamp>,
    pub(super) before: Option<Timestamp>,
    sender: Option<String>,
    recipient: Option<(String, RecipientField)>,
    unread_only: bool,
    has_attachments: Option<bool>,
}

impl Filters {
    pub(super) fn of(input: &Input, now: Timestamp, notes: &mut Vec<Note>) -> Result<Self, Refusal> {
        let mut date = |parameter, text: Option<&String>, bound| dates::given(parameter, text, bound, now, notes);
        let after = date("afterDateTime", input.after_date_time.as_ref(), Bound::After)?;
        let before = date("beforeDateTime", input.before_date_time.as_ref(), Bound::Before)?;
        let word = |parameter, text: Option<&String>| match text.map(|text| text.trim().to_lowercase()) {
            Some(text) if text.is_empty() => Err(Refusal::argument(parameter, format!("`{parameter}` is empty."))),
            text => Ok(text),
        };
        let sender = word("sender", input.sender.as_ref())?;
        let recipient = word("recipient", input.recipient.as_ref())?;
        if sender.iter().chain(&recipient).any(|text| !text.contains('@')) {
            notes.push(Note::new(
                "NAME_MATCHED",
                "A name or a part of an address was looked for in names and addresses.",
            ));
        }
        let field = input.recipient_field.unwrap_or(RecipientField::Any);
        Ok(Self {
            after,
            before,
            sender,
            recipient: recipient.map(|text| (text, field)),
            unread_only: input.unread_only.unwrap_or(false),
            has_attachments: input.has_attachments,
        })
    }

    /// `$filter`. What `$orderby` names stands first, or Graph calls the filter inefficient
    /// (<https://learn.microsoft.com/graph/api/user-list-messages>).
    pub(super) fn odata(&self) -> String {
        let mut parts = vec![format!("receivedDateTime ge {}", self.after.unwrap_or(Timestamp::UNIX_EPOCH))];
        if let Some(before) = self.before {
            parts.push(format!("receivedDateTime le {before}"));
        }
        if let Some(address) = self.sender.as_deref().filter(|sender| is_address(sender)) {
            parts.push(format!("from/emailAddress/address eq '{}'", address.replace('\'', "''")));
        }
        if self.unread_only {
            parts.push("isRead eq false".to_owned());
        }
        if let Some(has) = self.has_attachments {
            parts.push(format!("hasAttachments eq {has}"));
        }
        parts.join(" and ")
    }

    /// Whether `$filter` says all that is asked, so that Graph may count and skip.
    pub(super) fn is_all_odata(&self) -> bool {
        self.recipient.is_none() && self.sender.as_deref().is_none_or(is_address)
    }

    /// Whether a message matches. Bounds are inclusive.
    pub(super) fn matches(&self, message: &Message) -> bool {
        let received = message.received_date_time.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        let dated = match received {
            Some(at) => self.after.is_none_or(|after| at >= after) && self.before.is_none_or(|before| at <= before),
            None => self.after.is_none() && self.before.is_none(),
        };
        let sent = self
            .sender
            .as_deref()
            .is_none_or(|text| message.from.iter().chain(&message.sender).any(|person| is_called(person, text)));
        let received_by = self.recipient.as_ref().is_none_or(|(text, field)| {
            let to = message.to_recipients.iter().filter(|_| *field != RecipientField::Cc);
            let cc = message.cc_recipients.iter().filter(|_| *field != RecipientField::To);
            to.chain(cc).any(|person| is_called(person, text))
        });
        dated
            && sent
            && received_by
            && (!self.unread_only || message.is_read == Some(false))
            && self.has_attachments.is_none_or(|has| message.has_attachments == Some(has))
    }
}

fn is_address(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !text.contains(char::is_whitespace))
}

fn is_called(person: &Recipient, text: &str) -> bool {
    let email = &person.email_address;
    let contains = |part: &Option<String>| part.as_deref().is_some_and(|part| part.to_lowercase().contains(text));
    if is_address(text) {
        email.address.as_deref().is_some_and(|address| address.to_lowercase() == text)
    } else {
        contains(&email.address) || contains(&email.name)
    }
}
