//! Parts of plain text.

use super::{Place, Shown, Wanted};

/// A part of a text, counted in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'t> {
    /// The part.
    pub text: &'t str,
    /// Its first character.
    pub start: usize,
    /// One past its last.
    pub end: usize,
    /// Characters of the whole.
    pub total: usize,
}

/// Characters from `start` on, `max` at most.
pub fn part(text: &str, start: usize, max: usize) -> Part<'_> {
    let total = text.chars().count();
    let start = start.min(total);
    let end = start.saturating_add(max).min(total);
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    let text = text.get(byte(start)..byte(end)).unwrap_or_default();
    Part { text, start, end, total }
}

/// Without characters that move a cursor, ring a bell or reorder a line: terminals and reviewers read answers too.
pub fn clean(text: &str) -> String {
    let is_direction = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|&c| matches!(c, '\n' | '\t') || !(c.is_control() || is_direction(c))).collect()
}

pub(super) fn show(text: &str, wanted: &Wanted) -> Shown {
    let part = part(text, wanted.from, wanted.max_chars);
    Shown {
        content: part.text.to_owned(),
        place: Place {
            start_char: Some(part.start),
            end_char: Some(part.end),
            total_chars: Some(part.total),
            ..Place::default()
        },
        next: (part.end < part.total).then_some(part.end),
        ..Shown::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_moves_a_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{7}\u{202E}c\td\n"), "a[31mbc\td\n");
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
