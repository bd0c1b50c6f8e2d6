//! What can be searched for, what goes together, and which scopes each asks for.

use super::super::error::Refusal;
use super::super::odata::kql::Vocabulary;
use super::super::odata::kql::vocabulary::{CHAT_MESSAGE, EVENT, MESSAGE, SHAREPOINT};
use super::bad;

/// `entityType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entity {
    Message,
    Event,
    ChatMessage,
    Drive,
    DriveItem,
    List,
    ListItem,
    Site,
    ExternalItem,
    Person,
    Acronym,
    Bookmark,
    Qna,
}

/// Their names, and which may stand together in a request: those of one letter.
const NAMES: [(Entity, &str, char); 13] = [
    (Entity::Message, "message", 'm'),
    (Entity::Event, "event", 'e'),
    (Entity::ChatMessage, "chatMessage", 'c'),
    (Entity::Drive, "drive", 's'),
    (Entity::DriveItem, "driveItem", 's'),
    (Entity::List, "list", 's'),
    (Entity::ListItem, "listItem", 's'),
    (Entity::Site, "site", 's'),
    (Entity::ExternalItem, "externalItem", 's'),
    (Entity::Person, "person", 'p'),
    (Entity::Acronym, "acronym", 'a'),
    (Entity::Bookmark, "bookmark", 'a'),
    (Entity::Qna, "qna", 'a'),
];

impl Entity {
    /// The entity types of a request.
    ///
    /// <https://learn.microsoft.com/graph/search-concept-interleaving>
    pub(super) fn all(names: &[String]) -> Result<Vec<Self>, Refusal> {
        let mut found: Vec<(Self, char)> = Vec::new();
        for name in names {
            let known = NAMES.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name));
            let Some((entity, _, group)) = known else {
                return Err(bad(format!("The entity type '{name:.40}' is not supported.")));
            };
            if found.iter().any(|(_, other)| other != group) {
                return Err(bad(format!(
                    "The entity types '{}' cannot be combined in one request.",
                    names.join("', '")
                )));
            }
            if !found.iter().any(|(other, _)| other == entity) {
                found.push((*entity, *group));
            }
        }
        if found.is_empty() {
            return Err(bad("The property 'entityTypes' of type 'searchRequest' is required."));
        }
        Ok(found.into_iter().map(|(entity, _)| entity).collect())
    }

    /// The word on the wire.
    pub(super) fn as_str(self) -> &'static str {
        NAMES.iter().find(|(entity, ..)| *entity == self).map_or("", |(_, name, _)| name)
    }

    /// What a refusal calls it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Message => "Message",
            Self::Event => "Event",
            Self::ChatMessage => "ChatMessage",
            Self::Drive => "Drive",
            Self::DriveItem => "DriveItem",
            Self::List => "List",
            Self::ListItem => "ListItem",
            Self::Site => "Site",
            Self::ExternalItem => "ExternalItem",
            Self::Person => "Person",
            Self::Acronym => "Acronym",
            Self::Bookmark => "Bookmark",
            Self::Qna => "Qna",
        }
    }

    /// One of these is needed.
    pub(super) const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Message => &["Mail.Read", "Mail.ReadWrite"],
            Self::Event => &["Calendars.Read", "Calendars.ReadWrite"],
            Self::ChatMessage => &["Chat.Read", "Chat.ReadWrite", "ChannelMessage.Read.All"],
            Self::Drive | Self::DriveItem => {
                &["Files.Read.All", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All"]
            }
            Self::List | Self::ListItem | Self::Site => &["Sites.Read.All", "Sites.ReadWrite.All"],
            Self::ExternalItem => &["ExternalItem.Read.All", "ExternalItem.ReadWrite.All"],
            Self::Person => &["People.Read"],
            Self::Acronym => &["Acronym.Read.All"],
            Self::Bookmark => &["Bookmark.Read.All"],
            Self::Qna => &["QnA.Read.All"],
        }
    }

    /// Kept for people, not for places: guests do not search it.
    pub(super) const fn is_personal(self) -> bool {
        matches!(self, Self::Message | Self::Event | Self::ChatMessage)
    }

    /// The largest page.
    pub(super) const fn page_limit(self) -> usize {
        match self {
            Self::Message | Self::Event => 25,
            _ => 500,
        }
    }

    /// Whether `sortProperties` may be given.
    pub(super) const fn sorts(self) -> bool {
        matches!(self, Self::DriveItem | Self::ListItem | Self::List | Self::Site)
    }

    /// Whether `aggregations` may be given.
    pub(super) const fn aggregates(self) -> bool {
        matches!(self, Self::DriveItem | Self::ListItem | Self::List | Self::ExternalItem)
    }

    /// Its properties in KQL.
    pub(super) const fn vocabulary(self) -> &'static Vocabulary {
        match self {
            Self::Message => &MESSAGE,
            Self::Event => &EVENT,
            Self::ChatMessage => &CHAT_MESSAGE,
            _ => &SHAREPOINT,
        }
    }
}
