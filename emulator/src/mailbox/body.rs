//! The body of a message, as HTML and as text.

use std::fmt::Write as _;

use mail_parser::decoders::html::html_to_text;

/// `body.contentType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// `html`: what Exchange answers unless asked otherwise.
    Html,
    /// `text`: with `Prefer: outlook.body-content-type="text"`.
    Text,
}

impl BodyKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Text => "text",
        }
    }
}

/// Both forms of a body. At least one is what the sender wrote.
#[derive(Debug, Clone, Default)]
pub struct Body {
    html: String,
    text: String,
}

/// How much of the text `bodyPreview` shows, in characters.
const PREVIEW: usize = 255;

impl Body {
    pub(crate) fn of(plain: Option<&str>, html: Option<&str>) -> Self {
        match (plain, html) {
            (plain, Some(html)) => {
                let text = match plain {
                    Some(plain) if !plain.trim().is_empty() => plain.to_owned(),
                    _ => html_to_text(html),
                };
                Self { html: html.to_owned(), text }
            }
            (Some(plain), None) => Self { html: converted(plain), text: plain.to_owned() },
            (None, None) => Self::default(),
        }
    }

    /// `body.content` in the form asked for.
    pub fn content(&self, kind: BodyKind) -> &str {
        match kind {
            BodyKind::Html => &self.html,
            BodyKind::Text => &self.text,
        }
    }

    /// `bodyPreview`.
    pub fn preview(&self) -> &str {
        let text = self.text.trim_start();
        let end = text.char_indices().nth(PREVIEW).map_or(text.len(), |(at, _)| at);
        text.get(..end).unwrap_or_default().trim_end()
    }
}

/// Plain text as Exchange shows it to those who ask for HTML.
fn converted(plain: &str) -> String {
    let mut html = String::with_capacity(plain.len() + plain.len() / 8 + 256);
    html.push_str(
        "<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\
         <!-- converted from text --></head>\r\n<body>\r\n<div class=\"PlainText\">",
    );
    for line in plain.lines() {
        for letter in line.chars() {
            match letter {
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '&' => html.push_str("&amp;"),
                '"' => html.push_str("&quot;"),
                letter => html.push(letter),
            }
        }
        let _ = writeln!(html, "<br>\r");
    }
    html.push_str("</div>\r\n</body>\r\n</html>\r\n");
    html
}
