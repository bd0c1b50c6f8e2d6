//! Words of texts, and what is looked for among them.

/// The words of a lower-case text, in order. Chinese, Japanese and Thai put no spaces between words: there each letter is one.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    word_indices(text).map(|(_, word)| word)
}

/// The same with the byte at which each begins.
pub fn word_indices(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|letter: char| !letter.is_alphanumeric());
        let begin = text.len() - rest.len();
        let first = rest.chars().next()?;
        let end = if is_unspaced(first) {
            first.len_utf8()
        } else {
            rest.find(|letter: char| !letter.is_alphanumeric() || is_unspaced(letter)).unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at(end);
        rest = after;
        Some((begin, word))
    })
}

fn is_unspaced(letter: char) -> bool {
    matches!(letter, '\u{0e00}'..='\u{0e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// One or more words in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    pub(super) words: Vec<String>,
    /// The last word may go on.
    pub(super) is_prefix: bool,
    /// Of a text without words, the text: `!?` is found as it stands.
    bare: String,
}

impl Phrase {
    /// The phrase that a text says; `*` at its end: its last word may go on.
    pub fn of(text: &str) -> Self {
        let is_prefix = text.ends_with('*');
        let whole = text.trim_end_matches('*').to_lowercase();
        let words: Vec<_> = words(&whole).map(str::to_owned).collect();
        let bare = if words.is_empty() { whole } else { String::new() };
        Self { words, is_prefix, bare }
    }

    /// Whether nothing is said in it but `*`.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.bare.is_empty()
    }

    /// Its words.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Whether a word of a text, in lower case, is one of its words.
    pub fn has(&self, word: &str) -> bool {
        let last = self.words.len().saturating_sub(1);
        self.words.iter().enumerate().any(|(at, wanted)| {
            if self.is_prefix && at == last { word.starts_with(wanted.as_str()) } else { word == wanted }
        })
    }

    /// Whether a text holds it.
    pub fn is_in(&self, text: &str) -> bool {
        let Some((last_wanted, init_wanted)) = self.words.split_last() else {
            return !self.bare.is_empty() && text.contains(&self.bare);
        };
        let text = text.to_lowercase();
        let found: Vec<&str> = words(&text).collect();
        found.windows(self.words.len()).any(|window| {
            let Some((last, init)) = window.split_last() else { return false };
            let last_fits = if self.is_prefix { last.starts_with(last_wanted.as_str()) } else { last == last_wanted };
            last_fits && init.iter().zip(init_wanted).all(|(left, right)| left == right)
        })
    }
}
