//! HTML as text, under caps of size and depth: the converter's time grows faster than its input. Links to remote images are left out, so
//! that nobody fetches them.

use super::Unreadable;
use crate::documents::model::{Body, Extracted, Remark, RemarkCode};

/// HTML beyond this is not converted.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// Deeper nesting is flattened before conversion.
const MAX_DEPTH: usize = 200;

const WIDTH: usize = 100;

/// Elements that never nest content.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

pub(super) fn read(html: &str) -> Result<Extracted, Unreadable> {
    let (text, remark) = to_text(html)?;
    Ok(Extracted { title: None, body: Body::Text { text }, remarks: remark.into_iter().collect() })
}

/// The words of a page, and what was given up for them.
pub(crate) fn to_text(html: &str) -> Result<(String, Option<Remark>), Unreadable> {
    if html.len() > MAX_BYTES {
        return Err(Unreadable::TooLarge);
    }
    if depth(html) > MAX_DEPTH {
        let message = "The HTML is nested so deeply that only its words are given.".to_owned();
        return Ok((without_tags(html), Some(Remark { code: RemarkCode::Flattened, message })));
    }
    html2text::config::plain()
        .empty_img_mode(html2text::config::ImageRenderMode::IgnoreEmpty)
        .link_footnotes(false)
        .string_from_read(html.as_bytes(), WIDTH)
        .map(|text| (text, None))
        .map_err(|_| Unreadable::Damaged)
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
    use super::*;

    #[test]
    fn an_image_is_no_link_to_fetch() {
        let html = r#"<p>Hello <b>world</b><img src="https://evil.example/pixel.png?who=alice"></p>"#;
        let (text, _) = to_text(html).unwrap();
        assert!(text.contains("Hello") && !text.contains("evil.example"), "{text}");
    }

    #[test]
    fn deep_nesting_keeps_its_words() {
        let html = format!("{}words{}", "<div>".repeat(20_000), "</div>".repeat(20_000));
        let (text, remark) = to_text(&html).unwrap();
        assert_eq!(text, "words");
        assert_eq!(remark.unwrap().code, RemarkCode::Flattened);
    }

    #[test]
    fn html_at_the_caps_ends_in_time() {
        let deep = format!("{}x{}", "<div>".repeat(150), "</div>".repeat(150));
        let table = format!("<table>{}</table>", "<tr><td>a</td><td>b</td></tr>".repeat(20_000));
        for html in [deep.repeat(500), table, "<p>".repeat(150), "&#x110000;<b".repeat(10_000), "<".repeat(100_000)] {
            let _ = to_text(&html);
        }
    }
}
