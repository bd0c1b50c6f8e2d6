//! Which parts of a MIME tree are the body and which are attachments.
//!
//! One plain and one HTML part are the body: the first of each that is not marked as an attachment, looking into `multipart/related`
//! only at its root. Every other leaf is an attachment, further text parts included, as Exchange makes `ATT00001.txt` of them. An
//! attached message is one leaf, whatever is in it. This is also what CPython's `EmailMessage.get_body` picks, so it can be compared.

use mail_parser::{Message, MessagePart, MimeHeaders as _, PartType};

/// Places of the body parts and the other leaves.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    pub(super) plain: Option<u32>,
    pub(super) html: Option<u32>,
    pub(super) attachments: Vec<u32>,
}

/// How deep containers may lie in each other before the rest counts as one leaf.
const DEPTH: usize = 64;

pub(super) fn leaves(message: &Message<'_>) -> Leaves {
    let mut found = Leaves::default();
    find_body(message, 0, 0, &mut found);
    collect(message, 0, 0, &mut found);
    let (plain, html) = (found.plain, found.html);
    found.attachments.retain(|at| Some(*at) != plain && Some(*at) != html);
    found
}

fn find_body(message: &Message<'_>, at: u32, depth: usize, found: &mut Leaves) {
    let Some(part) = message.part(at) else { return };
    if depth > DEPTH || is_marked_attachment(part) {
        return;
    }
    match &part.body {
        PartType::Multipart(parts) => {
            if subtype(part).eq_ignore_ascii_case("related") {
                let start = part.content_type().and_then(|kind| kind.attribute("start"));
                let root = start
                    .and_then(|start| parts.iter().find(|at| has_content_id(message, **at, start)))
                    .or_else(|| parts.first());
                if let Some(root) = root {
                    find_body(message, *root, depth + 1, found);
                }
            } else {
                for at in parts {
                    find_body(message, *at, depth + 1, found);
                }
            }
        }
        PartType::Text(_) | PartType::Html(_) => match text_subtype(part) {
            Some("plain") if found.plain.is_none() => found.plain = Some(at),
            Some("html") if found.html.is_none() => found.html = Some(at),
            _ => {}
        },
        PartType::Binary(_) | PartType::InlineBinary(_) | PartType::Message(_) => {}
    }
}

fn collect(message: &Message<'_>, at: u32, depth: usize, found: &mut Leaves) {
    match message.part(at).map(|part| &part.body) {
        Some(PartType::Multipart(parts)) if depth <= DEPTH => {
            for at in parts {
                collect(message, *at, depth + 1, found);
            }
        }
        Some(_) => found.attachments.push(at),
        None => {}
    }
}

fn is_marked_attachment(part: &MessagePart<'_>) -> bool {
    part.content_disposition().is_some_and(|how| how.ctype().eq_ignore_ascii_case("attachment"))
}

fn subtype<'a>(part: &'a MessagePart<'_>) -> &'a str {
    part.content_type().and_then(|kind| kind.subtype()).unwrap_or_default()
}

/// `plain`, `html` or another subtype of `text`; what says nothing or nonsense is `plain`.
fn text_subtype<'a>(part: &'a MessagePart<'_>) -> Option<&'a str> {
    let Some(kind) = part.content_type() else { return Some("plain") };
    let Some(subtype) = kind.subtype() else { return Some("plain") };
    if !kind.ctype().eq_ignore_ascii_case("text") {
        return None;
    }
    Some(["plain", "html"].into_iter().find(|known| subtype.eq_ignore_ascii_case(known)).unwrap_or(subtype))
}

fn has_content_id(message: &Message<'_>, at: u32, id: &str) -> bool {
    let bare = id.trim_start_matches('<').trim_end_matches('>');
    message.part(at).and_then(|part| part.content_id()).is_some_and(|found| found == bare)
}
