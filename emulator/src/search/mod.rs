//! Full-text search inside one container: a mailbox, a chat, a channel, a drive.
//!
//! An index belongs to one container and is kept beside it, so that a search over one cannot find what lies in another: see
//! `docs/decisions/0005-an-index-for-each-container.md`. It is made when it is first asked for. Nothing in this module decides who may see
//! what.

mod gaps;
mod index;
mod words;

use jiff::Timestamp;

use crate::mailbox::Importance;

pub use gaps::Gaps;
pub use index::{Found, Index};
pub use words::{Phrase, word_indices, words};

/// Which part of a document a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Sender, author of a message, organizer.
    From,
    /// Recipients, members of a chat, attendees.
    To,
    /// Copies.
    Cc,
    /// Blind copies.
    Bcc,
    /// `subject`.
    Subject,
    /// The body, or the text of a file.
    Body,
    /// Names of attachments.
    Attachment,
    /// Categories.
    Category,
    /// Where an event takes place.
    Location,
    /// Who is mentioned: object ids without hyphens.
    Mention,
    /// Name of a file or folder.
    FileName,
    /// Extension of a file.
    FileType,
    /// Who made a file, or changed it.
    Author,
    /// Title of a file, a page, a list item, a site.
    Title,
    /// Where it lies, as a URL.
    Path,
    /// The site it lies in, as a URL.
    Site,
    /// `contentclass`.
    Class,
    /// The text of a file that the index is to miss: see [`Gaps`].
    Unindexed,
}

/// Some fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields(u32);

impl Fields {
    /// These.
    pub const fn of(fields: &[Field]) -> Self {
        let mut bits = 0;
        let mut rest = fields;
        while let [first, others @ ..] = rest {
            bits |= 1 << (*first as u32);
            rest = others;
        }
        Self(bits)
    }

    /// Whether a field is among them.
    pub const fn has(self, field: Field) -> bool {
        self.has_bit(field as u32)
    }

    const fn has_bit(self, bit: u32) -> bool {
        self.0 >> bit & 1 == 1
    }
}

/// Which instant of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instant {
    /// When it arrived.
    Received,
    /// When it was sent.
    Sent,
    /// When it was made.
    Created,
    /// When it was changed last.
    Modified,
    /// When it begins.
    Start,
    /// When it ends.
    End,
}

/// What is so or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// It has attachments that are no pictures of its body.
    HasAttachments,
    /// It was read.
    IsRead,
    /// The searcher is mentioned in it.
    IsMentioned,
    /// It is a file, no folder and no page.
    IsDocument,
}

/// What can be found.
pub trait Document {
    /// Every text in it, each by itself: a phrase does not run from one into the next.
    fn texts(&self, visit: &mut dyn FnMut(Field, &str));

    /// An instant; nothing when there is no such instant of its kind.
    fn time(&self, of: Instant) -> Option<Timestamp>;

    /// Whether it is so; nothing when that makes no sense of its kind.
    fn flag(&self, flag: Flag) -> Option<bool>;

    /// Bytes.
    fn size(&self) -> Option<u64> {
        None
    }

    /// `importance`.
    fn importance(&self) -> Option<Importance> {
        None
    }
}
