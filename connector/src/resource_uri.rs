//! How is a mail, a folder, an attachment or an event named? One grammar, read and written here alone.
//!
//! ```text
//! mail:///messages/{id}[?owner={address}]
//! mail:///messages/{id}/attachments/{id}[?owner={address}]
//! mail:///folders/[?owner={address}]
//! mail:///folders/{id or well-known name}[?owner={address}]
//! calendar:///events/{id}[?owner={address}]
//! teams:///chats/{id}/messages[/{id}]
//! teams:///teams/{id}/channels/{id}/messages[/{id}]
//! teams:///teams/{id}/channels/{id}/messages/{id}/replies[/{id}]
//! file:///{drive id}/{item id}
//! file:///{drive id}/{names from the root, or root, or nothing}
//! drive:///sites/{site id}
//! site:///{site id}
//! page:///sites/{site id}/pages/{page id}
//! ```
//!
//! Each segment is decoded once and then opaque; a Graph address is built from the parts, never joined from what came in. Written
//! with RFC 3986's unreserved characters only, so `=` becomes `%3D`; both are read.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but RFC 3986's unreserved characters.
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const MAX_URI: usize = 4096;
const MAX_SEGMENT: usize = 1024;

/// One opaque path segment: never empty, never a dot segment, no slash in either direction, no control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment(String);

/// Whose mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mailbox {
    /// The caller's.
    Own,
    /// Of somebody of the caller's tenant, by address.
    Of(Segment),
}

/// Something that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceUri {
    /// A mail message.
    Message {
        /// Where.
        mailbox: Mailbox,
        /// Which.
        id: Segment,
    },
    /// An attachment of one.
    Attachment {
        /// Where.
        mailbox: Mailbox,
        /// Of which message.
        message: Segment,
        /// Which.
        id: Segment,
    },
    /// The top folders of a mailbox.
    Folders {
        /// Where.
        mailbox: Mailbox,
    },
    /// One folder: its children and its newest messages.
    Folder {
        /// Where.
        mailbox: Mailbox,
        /// Which.
        id: Segment,
    },
    /// An event of a calendar.
    Event {
        /// Whose.
        mailbox: Mailbox,
        /// Which.
        id: Segment,
    },
    /// A message of a chat.
    ChatMessage {
        /// Of which chat.
        chat: Segment,
        /// Which.
        id: Segment,
    },
    /// A chat: its newest messages.
    Chat {
        /// Which.
        chat: Segment,
    },
    /// A channel: the newest messages that began a thread.
    Channel {
        /// Of which team.
        team: Segment,
        /// Which.
        channel: Segment,
    },
    /// The newest replies to a message of a channel.
    Replies {
        /// Of which team.
        team: Segment,
        /// In which channel.
        channel: Segment,
        /// To which message.
        message: Segment,
    },
    /// A reply to a message of a channel.
    Reply {
        /// Of which team.
        team: Segment,
        /// In which channel.
        channel: Segment,
        /// To which message.
        message: Segment,
        /// Which.
        id: Segment,
    },
    /// A message of a channel.
    ChannelMessage {
        /// Of which team.
        team: Segment,
        /// In which channel.
        channel: Segment,
        /// Which.
        id: Segment,
    },
    /// A file or folder of a drive. One part is an id or a name, several are names from the root on; none, or `root`, is the root.
    Item {
        /// In which drive.
        drive: Segment,
        /// Where in it.
        parts: Vec<Segment>,
    },
    /// The document libraries of a site.
    Drives {
        /// Of which.
        site: Segment,
    },
    /// A site.
    Site {
        /// Which.
        site: Segment,
    },
    /// A page of a site.
    Page {
        /// Of which site.
        site: Segment,
        /// Which.
        id: Segment,
    },
}

/// Why a text names nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// Not in the grammar.
    #[error("{0}")]
    Invalid(&'static str),
    /// A scheme of Microsoft 365 that this version does not read.
    #[error("resources of the scheme `{0}` are not read by this version")]
    OtherScheme(&'static str),
}

const TEAMS: UriError = UriError::Invalid(
    "teams has `chats/{id}/messages`, `teams/{id}/channels/{id}/messages`, each with or without `/{id}`, and below a channel's message `replies`, with or without `/{id}`",
);

/// Schemes that the product knows beside those that are read.
const OTHER_SCHEMES: &[&str] = &["meeting-transcript"];

/// Names from the root to an item, at most: SharePoint itself ends at 400 characters of path.
const MAX_PARTS: usize = 64;

impl Segment {
    /// The segment that `text` is, already decoded.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let shaped = !text.is_empty() && text.len() <= MAX_SEGMENT && text != "." && text != "..";
        let clean = !text.chars().any(|c| matches!(c, '/' | '\\') || c.is_control());
        (shaped && clean).then_some(Self(text))
    }

    /// An address such as `ada@contoso.example`.
    pub fn address(text: &str) -> Option<Self> {
        let (local, domain) = text.split_once('@')?;
        let shaped = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
        let clean = !text.chars().any(|c| c.is_whitespace() || matches!(c, '\'' | '"' | '<' | '>' | '?' | '#'));
        if shaped && clean { Self::new(text) } else { None }
    }

    /// As text, decoded.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn decoded(text: &str) -> Option<Self> {
        let well_formed = text
            .split('%')
            .skip(1)
            .all(|rest| rest.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
        if !well_formed {
            return None;
        }
        Self::new(percent_decode_str(text).decode_utf8().ok()?)
    }
}

/// Percent-encoded, as a path or query part.
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        utf8_percent_encode(&self.0, RESERVED).fmt(f)
    }
}

impl ResourceUri {
    /// Reads a URI.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        if text.len() > MAX_URI {
            return Err(UriError::Invalid("the uri is too long"));
        }
        let (scheme, rest) =
            text.split_once(":///").ok_or(UriError::Invalid("a uri looks like `mail:///messages/{id}`"))?;
        match scheme {
            "teams" => return Self::teams(rest),
            "file" | "drive" | "site" | "page" => return Self::files(scheme, rest),
            _ => {}
        }
        if !matches!(scheme, "mail" | "calendar") {
            return Err(match OTHER_SCHEMES.iter().find(|known| **known == scheme) {
                Some(known) => UriError::OtherScheme(known),
                None => UriError::Invalid("the scheme is not one of Microsoft 365's"),
            });
        }
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let mailbox = mailbox(query)?;
        let segment =
            |text| Segment::decoded(text).ok_or(UriError::Invalid("a part of the uri is empty or not allowed there"));
        let parts: Vec<_> = path.split('/').collect();
        if scheme == "calendar" {
            return match parts.as_slice() {
                ["events", id] => Ok(Self::Event { mailbox, id: segment(id)? }),
                _ => Err(UriError::Invalid("a calendar has `events/{id}`")),
            };
        }
        match parts.as_slice() {
            ["messages", id] => Ok(Self::Message { mailbox, id: segment(id)? }),
            ["messages", message, "attachments", id] => {
                Ok(Self::Attachment { mailbox, message: segment(message)?, id: segment(id)? })
            }
            ["folders", ""] | ["folders"] => Ok(Self::Folders { mailbox }),
            ["folders", id] => Ok(Self::Folder { mailbox, id: segment(id)? }),
            _ => Err(UriError::Invalid(
                "mail has `messages/{id}`, `messages/{id}/attachments/{id}`, `folders/` and `folders/{id}`",
            )),
        }
    }

    fn teams(path: &str) -> Result<Self, UriError> {
        let segment =
            |text| Segment::decoded(text).ok_or(UriError::Invalid("a part of the uri is empty or not allowed there"));
        if path.contains('?') {
            return Err(UriError::Invalid("teams knows no query"));
        }
        match path.split('/').collect::<Vec<_>>().as_slice() {
            ["chats", chat, "messages", id] => Ok(Self::ChatMessage { chat: segment(chat)?, id: segment(id)? }),
            ["chats", chat, "messages"] => Ok(Self::Chat { chat: segment(chat)? }),
            ["teams", team, "channels", channel, "messages", below @ ..] => {
                let (team, channel) = (segment(team)?, segment(channel)?);
                match below {
                    [] => Ok(Self::Channel { team, channel }),
                    [id] => Ok(Self::ChannelMessage { team, channel, id: segment(id)? }),
                    [message, "replies"] => Ok(Self::Replies { team, channel, message: segment(message)? }),
                    [message, "replies", id] => {
                        Ok(Self::Reply { team, channel, message: segment(message)?, id: segment(id)? })
                    }
                    _ => Err(TEAMS),
                }
            }
            _ => Err(TEAMS),
        }
    }

    fn files(scheme: &str, path: &str) -> Result<Self, UriError> {
        let segment =
            |text| Segment::decoded(text).ok_or(UriError::Invalid("a part of the uri is empty or not allowed there"));
        if path.contains(['?', '#']) {
            return Err(UriError::Invalid("files, drives, sites and pages know no query"));
        }
        let parts: Vec<_> = path.split('/').collect();
        match (scheme, parts.as_slice()) {
            ("drive", ["sites", site]) => Ok(Self::Drives { site: segment(site)? }),
            ("site", [site]) => Ok(Self::Site { site: segment(site)? }),
            ("page", ["sites", site, "pages", id]) => Ok(Self::Page { site: segment(site)?, id: segment(id)? }),
            ("file", [drive] | [drive, "" | "root"]) => Ok(Self::Item { drive: segment(drive)?, parts: Vec::new() }),
            ("file", [drive, parts @ ..]) if parts.len() <= MAX_PARTS => Ok(Self::Item {
                drive: segment(drive)?,
                parts: parts.iter().map(|part| segment(part)).collect::<Result<_, _>>()?,
            }),
            _ => Err(UriError::Invalid(
                "there are `file:///{drive}/{item}`, `file:///{drive}/{path}`, `drive:///sites/{site}`, `site:///{site}` and `page:///sites/{site}/pages/{page}`",
            )),
        }
    }

    /// Where it is. What is in no mailbox is the caller's own.
    pub fn mailbox(&self) -> &Mailbox {
        match self {
            Self::Message { mailbox, .. }
            | Self::Attachment { mailbox, .. }
            | Self::Folders { mailbox }
            | Self::Folder { mailbox, .. }
            | Self::Event { mailbox, .. } => mailbox,
            Self::ChatMessage { .. }
            | Self::Chat { .. }
            | Self::Channel { .. }
            | Self::Replies { .. }
            | Self::Reply { .. }
            | Self::ChannelMessage { .. }
            | Self::Item { .. }
            | Self::Drives { .. }
            | Self::Site { .. }
            | Self::Page { .. } => &Mailbox::Own,
        }
    }
}

impl fmt::Display for ResourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { id, .. } => write!(f, "mail:///messages/{id}")?,
            Self::Attachment { message, id, .. } => write!(f, "mail:///messages/{message}/attachments/{id}")?,
            Self::Folders { .. } => f.write_str("mail:///folders/")?,
            Self::Folder { id, .. } => write!(f, "mail:///folders/{id}")?,
            Self::Event { id, .. } => write!(f, "calendar:///events/{id}")?,
            Self::ChatMessage { chat, id } => write!(f, "teams:///chats/{chat}/messages/{id}")?,
            Self::Chat { chat } => write!(f, "teams:///chats/{chat}/messages")?,
            Self::Channel { team, channel } => write!(f, "teams:///teams/{team}/channels/{channel}/messages")?,
            Self::ChannelMessage { team, channel, id } => {
                write!(f, "teams:///teams/{team}/channels/{channel}/messages/{id}")?;
            }
            Self::Replies { team, channel, message } => {
                write!(f, "teams:///teams/{team}/channels/{channel}/messages/{message}/replies")?;
            }
            Self::Reply { team, channel, message, id } => {
                write!(f, "teams:///teams/{team}/channels/{channel}/messages/{message}/replies/{id}")?;
            }
            Self::Item { drive, parts } if parts.is_empty() => write!(f, "file:///{drive}/root")?,
            Self::Item { drive, parts } => {
                write!(f, "file:///{drive}")?;
                for part in parts {
                    write!(f, "/{part}")?;
                }
            }
            Self::Drives { site } => write!(f, "drive:///sites/{site}")?,
            Self::Site { site } => write!(f, "site:///{site}")?,
            Self::Page { site, id } => write!(f, "page:///sites/{site}/pages/{id}")?,
        }
        match self.mailbox() {
            Mailbox::Own => Ok(()),
            Mailbox::Of(owner) => write!(f, "?owner={owner}"),
        }
    }
}

fn mailbox(query: Option<&str>) -> Result<Mailbox, UriError> {
    let Some(query) = query else { return Ok(Mailbox::Own) };
    let owner = query
        .strip_prefix("owner=")
        .ok_or(UriError::Invalid("a uri of mail or of a calendar knows the query `owner` alone, once"))?;
    Segment::decoded(owner)
        .and_then(|owner| Segment::address(owner.as_str()))
        .filter(|owner| !owner.as_str().contains(['&', '=']))
        .map(Mailbox::Of)
        .ok_or(UriError::Invalid("`owner` is an address such as ada%40contoso.example"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_has_two_sides_and_no_sign_that_means_something_elsewhere() {
        assert!(Segment::address("ada.b+c@contoso.example").is_some());
        for none in [
            "",
            "@",
            "ada",
            "ada@",
            "@contoso.example",
            "a@b@c",
            "a b@c",
            "a\u{a0}b@c",
            "a'@c",
            "a\"@c",
            "a<@c",
            "a>@c",
            "a?@c",
            "a#@c",
            "a/@c",
            "a\\@c",
        ] {
            assert_eq!(Segment::address(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_segment_is_a_name_and_no_step() {
        assert!(Segment::new("x".repeat(MAX_SEGMENT)).is_some());
        assert_eq!(Segment::new("x".repeat(MAX_SEGMENT + 1)), None);
        for none in ["", ".", "..", "a/b", "a\\b", "a\0", "a\n"] {
            assert_eq!(Segment::new(none), None, "{none:?}");
        }
    }

    #[test]
    fn an_address_of_a_thing_ends_somewhere() {
        let id = "x".repeat(100);
        let long = |rest: usize| format!("mail:///messages/{id}{}", "x".repeat(rest));
        let bare = long(0).len();
        assert_ne!(ResourceUri::parse(&long(MAX_URI - bare)), Err(UriError::Invalid("the uri is too long")));
        assert_eq!(ResourceUri::parse(&long(MAX_URI - bare + 1)), Err(UriError::Invalid("the uri is too long")));
    }

    fn segments() -> impl Strategy<Value = Segment> {
        "\\PC{1,40}".prop_filter_map("not a segment", Segment::new)
    }

    fn mailboxes() -> impl Strategy<Value = Mailbox> {
        let address = "[a-z.+]{1,8}@[a-z.]{1,10}".prop_filter_map("not an address", |text| Segment::address(&text));
        prop_oneof![Just(Mailbox::Own), address.prop_map(Mailbox::Of)]
    }

    fn uris() -> impl Strategy<Value = ResourceUri> {
        prop_oneof![
            (mailboxes(), segments()).prop_map(|(mailbox, id)| ResourceUri::Message { mailbox, id }),
            (mailboxes(), segments(), segments()).prop_map(|(mailbox, message, id)| ResourceUri::Attachment {
                mailbox,
                message,
                id
            }),
            mailboxes().prop_map(|mailbox| ResourceUri::Folders { mailbox }),
            (mailboxes(), segments()).prop_map(|(mailbox, id)| ResourceUri::Folder { mailbox, id }),
            (mailboxes(), segments()).prop_map(|(mailbox, id)| ResourceUri::Event { mailbox, id }),
            (segments(), segments()).prop_map(|(chat, id)| ResourceUri::ChatMessage { chat, id }),
            segments().prop_map(|chat| ResourceUri::Chat { chat }),
            (segments(), segments()).prop_map(|(team, channel)| ResourceUri::Channel { team, channel }),
            (segments(), segments(), segments()).prop_map(|(team, channel, message)| ResourceUri::Replies {
                team,
                channel,
                message
            }),
            (segments(), segments(), segments(), segments())
                .prop_map(|(team, channel, message, id)| ResourceUri::Reply { team, channel, message, id }),
            (segments(), segments(), segments()).prop_map(|(team, channel, id)| ResourceUri::ChannelMessage {
                team,
                channel,
                id
            }),
            // `root` alone is the root, also where a folder is called so.
            (segments(), prop::collection::vec(segments(), 0..5))
                .prop_filter(
                    "the root has no name",
                    |(_, parts)| !matches!(parts.as_slice(), [one] if one.as_str() == "root")
                )
                .prop_map(|(drive, parts)| ResourceUri::Item { drive, parts }),
            segments().prop_map(|site| ResourceUri::Drives { site }),
            segments().prop_map(|site| ResourceUri::Site { site }),
            (segments(), segments()).prop_map(|(site, id)| ResourceUri::Page { site, id }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(uri in uris()) {
            prop_assert_eq!(ResourceUri::parse(&uri.to_string()), Ok(uri));
        }

        #[test]
        fn no_text_makes_the_parser_panic_or_names_a_way_up(text in "(mail:///)?(messages/|folders/)?[%./\\\\a-z0-9?=&@]{0,40}") {
            if let Ok(ResourceUri::Message { id, .. } | ResourceUri::Folder { id, .. }) = ResourceUri::parse(&text) {
                prop_assert!(id.as_str() != "." && id.as_str() != ".." && !id.as_str().contains(['/', '\\', '\0']));
            }
        }
    }

    #[test]
    fn both_spellings_of_an_id_are_read() {
        assert_eq!(ResourceUri::parse("mail:///messages/AAMk=="), ResourceUri::parse("mail:///messages/AAMk%3D%3D"));
    }

    #[test]
    fn a_way_out_of_the_grammar_is_refused() {
        for text in [
            "mail:///messages/..",
            "mail:///messages/%2e%2e",
            "mail:///messages/a%2Fb",
            "mail:///messages/a%5Cb",
            "mail:///messages/a%00",
            "mail:///messages/",
            "mail:///messages/a/attachments",
            "mail:///messages/%zz",
            "mail:///messages/a?owner=b%40c&owner=d%40e",
            "mail:///messages/a?owner=me",
            "mail:///messages/a?start=1",
            "mail:///conversations/a",
            "teams:///chats/a/messages/b?owner=c%40d",
            "teams:///chats/a%2Fb/messages/c",
            "teams:///chats/../messages/c",
            "teams:///chats/a/messages/",
            "teams:///chats/a/messages/b/replies",
            "teams:///teams/a/channels/b/messages/c/replies/",
            "teams:///teams/a/channels/b/messages/c/replies/d/e",
            "teams:///teams/a/channels/b",
            "file:///",
            "file:///a/../b",
            "file:///a/%2e%2e/b",
            "file:///a/b%2Fc",
            "file:///a/b//c",
            "file:///a/b/",
            "file:///a/b?c=d",
            "file:///a/b#c",
            "drive:///sites/a/drives/b",
            "drive:///a",
            "site:///a/b",
            "page:///sites/a",
            "page:///sites/a/pages/b/webparts",
            "http:///messages/a",
            "mail://host/messages/a",
        ] {
            assert!(matches!(ResourceUri::parse(text), Err(UriError::Invalid(_))), "{text}");
        }
        assert!(matches!(ResourceUri::parse("calendar:///messages/a"), Err(UriError::Invalid(_))));
        assert_eq!(
            ResourceUri::parse("meeting-transcript:///events/a"),
            Err(UriError::OtherScheme("meeting-transcript"))
        );
    }

    #[test]
    fn a_segment_is_decoded_once() {
        let Ok(ResourceUri::Message { id, .. }) = ResourceUri::parse("mail:///messages/a%252Fb") else { panic!() };
        assert_eq!(id.as_str(), "a%2Fb");
    }
}
