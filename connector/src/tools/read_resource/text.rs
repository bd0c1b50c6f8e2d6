//! How does content become text, and text a part of a page? HTML under caps of size and depth; links to remote images are left
//! out, so that nobody fetches them.

use std::time::Duration;

use super::super::Note;
use crate::refusal::{Code, Refusal};

/// HTML beyond this is not converted: the converter's time grows faster than its input.
const MAX_HTML: usize = 2 * 1024 * 1024;

/// Deeper nesting is flattened before conversion.
const MAX_DEPTH: usize = 200;

const WIDTH: usize = 100;

const PATIENCE: Duration = Duration::from_secs(10);

/// Elements that never nest content.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// A part of a text, counted in characters.
pub(super) struct Part<'t> {
    pub(super) text: &'t str,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) total: usize,
}

/// Characters from `start` on, `max` at most.
pub(super) fn part(text: &str, start: usize, max: usize) -> Part<'_> {
    let total = text.chars().count();
    let start = start.min(total);
    let end = start.saturating_add(max).min(total);
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    let text = text.get(byte(start)..byte(end)).unwrap_or_default();
    Part { text, start, end, total }
}

/// HTML as text. Converted aside: a document that takes long, or one that the converter cannot stand, is one refusal and no more.
pub(super) async fn of_html(html: String, notes: &mut Vec<Note>) -> Result<String, Refusal> {
    if html.len() > MAX_HTML {
        return Err(Refusal::new(Code::TooLarge, "The HTML is larger than this connector converts."));
    }
    if depth(&html) > MAX_DEPTH {
        notes.push(Note::new("FLATTENED", "The HTML is nested so deeply that only its words are given."));
        return Ok(without_tags(&html));
    }
    let conversion = tokio::task::spawn_blocking(move || converted(&html));
    match tokio::time::timeout(PATIENCE, conversion).await {
        Ok(Ok(Some(text))) => Ok(text),
        Ok(_) => Err(Refusal::new(Code::ConversionFailed, "The HTML could not be made into text.")),
        Err(_) => Err(Refusal::new(Code::ConversionFailed, "The HTML takes too long to be made into text.")),
    }
}

fn converted(html: &str) -> Option<String> {
    html2text::config::plain()
        .empty_img_mode(html2text::config::ImageRenderMode::IgnoreEmpty)
        .link_footnotes(false)
        .string_from_read(html.as_bytes(), WIDTH)
        .ok()
}

/// Bytes as text: by their mark, as UTF-8, or as the Latin letters that old mail is written in.
pub(super) fn of_bytes(bytes: &[u8], charset: Option<&str>) -> String {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) if charset.is_some_and(|charset| charset.eq_ignore_ascii_case("utf-8")) => {
                String::from_utf8_lossy(bytes).into_owned()
            }
            Err(_) => bytes.iter().copied().map(char::from).collect(),
        },
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| Some(unit(pair.try_into().ok()?)));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// An upper bound of how deep the elements nest.
fn depth(html: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for tag in html.split('<').skip(1) {
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if tag.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let name: String =
                tag.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
            if !VOID.contains(&name.as_str()) {
                depth += 1;
                deepest = deepest.max(depth);
            }
        }
    }
    deepest
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                text.push(' ');
            }
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[tokio::test]
    async fn an_image_is_no_link_to_fetch() {
        let html = r#"<p>Hello <b>world</b><img src="https://evil.example/pixel.png?who=alice"></p>"#;
        let text = of_html(html.to_owned(), &mut Vec::new()).await.unwrap();
        assert!(text.contains("Hello") && !text.contains("evil.example"), "{text}");
    }

    #[tokio::test]
    async fn deep_nesting_keeps_its_words() {
        let html = format!("{}words{}", "<div>".repeat(20_000), "</div>".repeat(20_000));
        let mut notes = Vec::new();
        assert_eq!(of_html(html, &mut notes).await.unwrap(), "words");
        assert_eq!(notes[0].code, "FLATTENED");
    }

    #[tokio::test]
    async fn html_at_the_caps_ends_in_time() {
        let deep = format!("{}x{}", "<div>".repeat(150), "</div>".repeat(150));
        let table = format!("<table>{}</table>", "<tr><td>a</td><td>b</td></tr>".repeat(20_000));
        for html in [deep.repeat(500), table, "<p>".repeat(150), "&#x110000;<b".repeat(10_000), "<".repeat(100_000)] {
            let _ = of_html(html, &mut Vec::new()).await;
        }
    }

    #[test]
    fn letters_of_old_mail_are_read() {
        assert_eq!(of_bytes(b"caf\xe9", Some("iso-8859-1")), "café");
        assert_eq!(of_bytes(b"\xff\xfeh\0i\0", None), "hi");
    }

    proptest! {
        #[test]
        fn parts_joined_are_the_whole(text in "\\PC{0,80}", max in 1_usize..20) {
            let (mut at, mut joined) = (0, String::new());
            loop {
                let part = part(&text, at, max);
                joined.push_str(part.text);
                at = part.end;
                if part.end == part.total { break }
            }
            prop_assert_eq!(joined, text);
        }
    }
}
