//! Which properties a kind of document has in KQL, and where bare words are looked for.

use crate::search::{Field, Fields, Flag, Instant};

/// The properties of one kind of document.
#[derive(Debug)]
pub(in crate::graph) struct Vocabulary {
    /// Where words without a property are looked for.
    pub(super) anywhere: Fields,
    fields: &'static [(&'static str, Fields)],
    instants: &'static [(&'static str, Instant)],
    flags: &'static [(&'static str, Flag)],
    /// Whether `*` alone finds everything.
    pub(super) takes_star: bool,
    /// Whether there are `kind` and `importance`.
    pub(super) is_mail: bool,
}

impl Vocabulary {
    pub(super) fn fields(&self, name: &str) -> Option<Fields> {
        named(self.fields, name)
    }

    pub(super) fn instant(&self, name: &str) -> Option<Instant> {
        named(self.instants, name)
    }

    pub(super) fn flag(&self, name: &str) -> Option<Flag> {
        named(self.flags, name)
    }
}

fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

const FROM: Fields = Fields::of(&[Field::From]);
const TO: Fields = Fields::of(&[Field::To]);
const SUBJECT: Fields = Fields::of(&[Field::Subject]);
const BODY: Fields = Fields::of(&[Field::Body]);
const ATTACHMENT: Fields = Fields::of(&[Field::Attachment]);
const AUTHOR: Fields = Fields::of(&[Field::Author]);
const FILE_NAME: Fields = Fields::of(&[Field::FileName]);
const FILE_TYPE: Fields = Fields::of(&[Field::FileType]);
const PARTICIPANTS: Fields = Fields::of(&[Field::From, Field::To, Field::Cc, Field::Bcc]);

/// Mail: <https://learn.microsoft.com/graph/search-query-parameter#using-search-on-message-collections>.
const OF_MAIL: Vocabulary = Vocabulary {
    anywhere: Fields::of(&[Field::From, Field::Subject, Field::Body]),
    fields: &[
        ("from", FROM),
        ("to", TO),
        ("cc", Fields::of(&[Field::Cc])),
        ("bcc", Fields::of(&[Field::Bcc])),
        ("recipients", Fields::of(&[Field::To, Field::Cc, Field::Bcc])),
        ("participants", PARTICIPANTS),
        ("subject", SUBJECT),
        ("body", BODY),
        ("attachment", ATTACHMENT),
        ("attachmentnames", ATTACHMENT),
        ("category", Fields::of(&[Field::Category])),
    ],
    instants: &[("received", Instant::Received), ("sent", Instant::Sent)],
    flags: &[
        ("hasattachment", Flag::HasAttachments),
        ("hasattachments", Flag::HasAttachments),
        ("isread", Flag::IsRead),
    ],
    takes_star: false,
    is_mail: true,
};

/// Mail in `$search`.
pub(in crate::graph) static MAIL: Vocabulary = OF_MAIL;

/// Mail in `/search/query`, where `*` finds everything.
pub(in crate::graph) static MESSAGE: Vocabulary = Vocabulary { takes_star: true, ..OF_MAIL };

/// Events.
pub(in crate::graph) static EVENT: Vocabulary = Vocabulary {
    anywhere: Fields::of(&[Field::From, Field::To, Field::Subject, Field::Body, Field::Location]),
    fields: &[
        ("from", FROM),
        ("organizer", FROM),
        ("to", TO),
        ("attendees", TO),
        ("participants", PARTICIPANTS),
        ("subject", SUBJECT),
        ("body", BODY),
        ("location", Fields::of(&[Field::Location])),
        ("category", Fields::of(&[Field::Category])),
    ],
    instants: &[
        ("start", Instant::Start),
        ("end", Instant::End),
        ("created", Instant::Created),
        ("received", Instant::Created),
        ("sent", Instant::Created),
    ],
    flags: &[("hasattachment", Flag::HasAttachments), ("hasattachments", Flag::HasAttachments)],
    takes_star: true,
    is_mail: false,
};

/// Messages of chats and channels: <https://learn.microsoft.com/graph/search-concept-chat-messages>.
pub(in crate::graph) static CHAT_MESSAGE: Vocabulary = Vocabulary {
    anywhere: Fields::of(&[Field::From, Field::Subject, Field::Body]),
    fields: &[
        ("from", FROM),
        ("to", TO),
        ("subject", SUBJECT),
        ("body", BODY),
        ("attachment", ATTACHMENT),
        ("mentions", Fields::of(&[Field::Mention])),
    ],
    instants: &[("sent", Instant::Sent), ("received", Instant::Received), ("created", Instant::Created)],
    flags: &[
        ("hasattachment", Flag::HasAttachments),
        ("hasattachments", Flag::HasAttachments),
        ("isread", Flag::IsRead),
        ("ismentioned", Flag::IsMentioned),
    ],
    takes_star: true,
    is_mail: false,
};

/// Files, pages, list items and sites:
/// <https://learn.microsoft.com/sharepoint/technical-reference/crawled-and-managed-properties-overview>.
pub(in crate::graph) static SHAREPOINT: Vocabulary = Vocabulary {
    anywhere: Fields::of(&[Field::FileName, Field::Title, Field::Body, Field::Author]),
    fields: &[
        ("filename", FILE_NAME),
        ("name", FILE_NAME),
        ("filetype", FILE_TYPE),
        ("fileextension", FILE_TYPE),
        ("author", AUTHOR),
        ("createdby", AUTHOR),
        ("modifiedby", AUTHOR),
        ("title", Fields::of(&[Field::Title])),
        ("path", Fields::of(&[Field::Path])),
        ("parentlink", Fields::of(&[Field::Path])),
        ("site", Fields::of(&[Field::Site])),
        ("sitename", Fields::of(&[Field::Site])),
        ("spsiteurl", Fields::of(&[Field::Site])),
        ("contentclass", Fields::of(&[Field::Class])),
    ],
    instants: &[
        ("created", Instant::Created),
        ("write", Instant::Modified),
        ("lastmodifiedtime", Instant::Modified),
        ("modified", Instant::Modified),
    ],
    flags: &[("isdocument", Flag::IsDocument)],
    takes_star: true,
    is_mail: false,
};
