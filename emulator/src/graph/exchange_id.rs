//! The two forms of an Exchange item's id: the ordinary one, which is another after every move, and the immutable one.
//!
//! <https://learn.microsoft.com/graph/outlook-immutable-id>: messages, events and attachments have both; folders and calendars keep the one
//! they have. Ids are opaque there. Here an immutable id is the id that the item came into its mailbox with, in another wrapping, so that
//! each form follows from the other.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::json::string;

/// How every immutable id begins: `AAkALgAA`.
const MARK: [u8; 6] = [0x00, 0x09, 0x00, 0x2e, 0x00, 0x00];

/// The form in which ids are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum IdType {
    /// What is answered unless asked otherwise.
    #[default]
    Ordinary,
    /// `Prefer: IdType="ImmutableId"`.
    Immutable,
}

impl IdType {
    /// An item's id in this form; `first` is the one that it came into its mailbox with.
    pub(super) fn of<'a>(self, id: &'a str, first: &str) -> Cow<'a, str> {
        match self {
            Self::Ordinary => Cow::Borrowed(id),
            Self::Immutable => immutable(first).map_or(Cow::Borrowed(id), Cow::Owned),
        }
    }

    /// Writes the id of an item that nothing moves.
    pub(super) fn write(self, out: &mut Vec<u8>, id: &str) {
        string(out, &self.of(id, id));
    }
}

/// The bytes that an id stands for.
pub(super) fn bytes(id: &str) -> Option<Vec<u8>> {
    URL_SAFE.decode(id).or_else(|_| STANDARD.decode(id)).ok()
}

/// The immutable id of an item that came with the id `first`.
pub(super) fn immutable(first: &str) -> Option<String> {
    let bytes = bytes(first)?;
    Some(URL_SAFE.encode([MARK.as_slice(), &bytes].concat()))
}

/// The id that the item of an immutable id came with; nothing for ids of the ordinary form.
pub(super) fn first(id: &str) -> Option<String> {
    let bytes = bytes(id)?;
    Some(URL_SAFE.encode(bytes.strip_prefix(MARK.as_slice())?))
}

/// Either form of the id of something that nothing moves, as its ordinary one.
pub(super) fn ordinary(id: &str) -> Cow<'_, str> {
    first(id).map_or(Cow::Borrowed(id), Cow::Owned)
}
