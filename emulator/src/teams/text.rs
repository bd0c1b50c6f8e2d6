//! The words of a message body.

/// Text of the small HTML that Teams writes: tags are gone, blocks and line breaks are blanks, entities are letters.
pub(super) fn of_html(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        let (before, tagged) = rest.split_at(open);
        decode(before, &mut text);
        let end = tagged.find('>').map_or(tagged.len(), |at| at + 1);
        let (tag, after) = tagged.split_at(end);
        let name = tag.trim_start_matches(['<', '/']).to_ascii_lowercase();
        // Words on both sides of inline tags belong together: `in<b>dex</b>`.
        let is_inline = ["b>", "i>", "u>", "em>", "strong>", "span", "at", "a ", "a>", "s>", "code>"]
            .iter()
            .any(|inline| name.starts_with(inline));
        if !is_inline && !text.is_empty() && !text.ends_with(' ') {
            text.push(' ');
        }
        rest = after;
    }
    decode(rest, &mut text);
    text.truncate(text.trim_end().len());
    text
}

fn decode(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        out.push_str(before);
        let known = [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " ")];
        let decoded = known.iter().find_map(|(name, letter)| Some((entity.strip_prefix(name)?, *letter)));
        let (after, letter) = decoded.unwrap_or((entity.get(1..).unwrap_or_default(), "&"));
        out.push_str(letter);
        rest = after;
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::of_html;

    #[test]
    fn tags_separate_blocks_and_join_words() {
        assert_eq!(
            of_html("<p>Thanks <at id=\"0\">Bob</at>, in<b>dex</b>.</p><p>R&amp;D &lt;3</p>"),
            "Thanks Bob, index. R&D <3"
        );
        assert_eq!(of_html("a<br>b<unclosed"), "a b");
    }

    proptest! {
        #[test]
        fn nothing_panics(html in ".*", tags in "[<>/&;ab ]{0,40}") {
            let _ = (of_html(&html), of_html(&tags));
        }
    }
}
