//! The piece of a text that shows why it was found.

use crate::search::{Phrase, word_indices};

/// Letters of a summary, and how many of them stand before the first hit.
const LENGTH: usize = 200;
const BEFORE: usize = 60;

/// Words that were looked for in `<c0>…</c0>`, what is left out as `<ddd/>`.
///
/// <https://learn.microsoft.com/graph/search-concept-files>
pub(super) fn summary(text: &str, phrases: &[&Phrase]) -> String {
    let hits: Vec<(usize, usize)> = word_indices(text)
        .filter(|(_, word)| {
            let word = word.to_lowercase();
            phrases.iter().any(|phrase| phrase.has(&word))
        })
        .map(|(at, word)| (at, at + word.len()))
        .collect();
    let first = hits.first().map_or(0, |(at, _)| *at);
    let from = text.char_indices().rev().map(|(at, _)| at).filter(|at| *at < first).nth(BEFORE).unwrap_or(0);
    // Where a word begins, unless there is none before the hit.
    let from = match text.get(from..first).and_then(|before| before.find(' ')) {
        Some(blank) if from > 0 => from + blank + 1,
        _ => from,
    };
    let rest = text.get(from..).unwrap_or_default();
    let until = rest.char_indices().nth(LENGTH).map_or(text.len(), |(at, _)| from + at);
    let mut summary = String::new();
    if from > 0 {
        summary.push_str("<ddd/>");
    }
    let mut at = from;
    for (begin, end) in hits.into_iter().filter(|(begin, end)| *begin >= from && *end <= until) {
        summary.push_str(text.get(at..begin).unwrap_or_default());
        summary.push_str("<c0>");
        summary.push_str(text.get(begin..end).unwrap_or_default());
        summary.push_str("</c0>");
        at = end;
    }
    summary.push_str(text.get(at..until).unwrap_or_default());
    if until < text.len() {
        summary.push_str("<ddd/>");
    }
    summary
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hits_are_marked_and_gaps_shown() {
        let phrase = Phrase::of("budget*");
        let text = format!("{}the Budgets of 2026 {}", "word ".repeat(30), "and ".repeat(80));
        let summary = summary(&text, &[&phrase]);
        assert!(summary.starts_with("<ddd/>word") && summary.ends_with("<ddd/>"), "{summary}");
        assert!(summary.contains("the <c0>Budgets</c0> of 2026"), "{summary}");
        assert_eq!(super::summary("nothing here", &[&phrase]), "nothing here");
    }

    proptest! {
        #[test]
        fn nothing_panics_and_nothing_is_invented(text in ".{0,400}", word in ".{0,6}") {
            let phrase = Phrase::of(&word);
            let plain = summary(&text, &[&phrase]).replace("<c0>", "").replace("</c0>", "").replace("<ddd/>", "");
            prop_assert!(text.contains(&plain) || text.contains('<'));
        }
    }
}
