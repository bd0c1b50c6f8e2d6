//! Does a document match? Once document by document, once by an index; a property holds the two together.

use super::Kql;
use crate::search::{Document, Field, Found, Index, Phrase};

impl Kql {
    /// Whether a document matches.
    pub(in crate::graph) fn holds(&self, document: &impl Document) -> bool {
        match self {
            Self::All(every) => every.iter().all(|one| one.holds(document)),
            Self::AnyOf(some) => some.iter().any(|one| one.holds(document)),
            Self::Not(inner) => !inner.holds(document),
            Self::Text { fields, phrase } => {
                let mut is_in = false;
                document.texts(&mut |field, text| is_in = is_in || (fields.has(field) && phrase.is_in(text)));
                is_in
            }
            Self::Time { of, from, until } => document
                .time(*of)
                .is_some_and(|at| from.is_none_or(|from| from <= at) && until.is_none_or(|until| at < until)),
            Self::Size { from, until } => document.size().is_some_and(|size| (*from..=*until).contains(&size)),
            Self::Flag(flag, wanted) => document.flag(*flag) == Some(*wanted),
            Self::Importance(wanted) => document.importance() == Some(*wanted),
            Self::Nothing => false,
            Self::Everything => true,
        }
    }

    /// The documents of an index that match; `at` is a document by its number.
    pub(in crate::graph) fn select<D: Document>(&self, index: &Index, at: &impl Fn(usize) -> Option<D>) -> Found {
        match self {
            Self::All(every) => {
                // What the index answers first: the rest then looks at few documents.
                let (indexed, others): (Vec<_>, Vec<_>) = every.iter().partition(|one| one.is_indexed());
                let found = indexed.iter().fold(index.all(), |found, one| found.and(&one.select(index, at)));
                if found.is_empty() || others.is_empty() {
                    return found;
                }
                let mut left = index.none();
                for number in found.iter() {
                    if at(number).is_some_and(|document| others.iter().all(|one| one.holds(&document))) {
                        left.insert(number);
                    }
                }
                left
            }
            Self::AnyOf(some) => some.iter().fold(index.none(), |found, one| found.or(&one.select(index, at))),
            Self::Not(inner) => inner.select(index, at).complement(),
            Self::Text { fields, phrase } if phrase.words().next().is_some() => index.find(phrase, *fields),
            Self::Nothing => index.none(),
            Self::Everything => index.all(),
            _ => {
                let mut found = index.none();
                for number in 0..index.len() {
                    if at(number).is_some_and(|document| self.holds(&document)) {
                        found.insert(number);
                    }
                }
                found
            }
        }
    }

    fn is_indexed(&self) -> bool {
        match self {
            Self::All(some) | Self::AnyOf(some) => some.iter().all(Self::is_indexed),
            Self::Not(inner) => inner.is_indexed(),
            Self::Text { phrase, .. } => phrase.words().next().is_some(),
            Self::Nothing | Self::Everything => true,
            _ => false,
        }
    }

    /// Phrases that a match shows: those that are looked for in a text that people read, and are not excluded.
    pub(in crate::graph) fn phrases<'a>(&'a self, shown: &mut Vec<&'a Phrase>) {
        match self {
            Self::All(some) | Self::AnyOf(some) => some.iter().for_each(|one| one.phrases(shown)),
            Self::Text { fields, phrase } if fields.has(Field::Body) => shown.push(phrase),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::super::{parse_with, vocabulary};
    use super::*;
    use crate::search::{Flag, Instant};

    #[derive(Debug, Clone)]
    struct Note {
        subject: String,
        body: String,
        from: String,
        hour: i64,
        has_attachment: bool,
    }

    impl Document for &Note {
        fn texts(&self, visit: &mut dyn FnMut(Field, &str)) {
            visit(Field::Subject, &self.subject);
            visit(Field::Body, &self.body);
            visit(Field::From, &self.from);
            visit(Field::From, "somebody@example.com");
        }

        fn time(&self, _: Instant) -> Option<Timestamp> {
            Timestamp::from_second(1_768_208_400 + self.hour * 3600).ok()
        }

        fn flag(&self, flag: Flag) -> Option<bool> {
            (flag == Flag::HasAttachments).then_some(self.has_attachment)
        }
    }

    fn text() -> impl Strategy<Value = String> {
        let word =
            prop::sample::select(vec!["a", "ab", "abc", "plan", "plans", "2026", "予算", "予", "it's", "A.B", "ÜBER"]);
        prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "))
    }

    fn note() -> impl Strategy<Value = Note> {
        (text(), text(), text(), 0..72_i64, any::<bool>())
            .prop_map(|(subject, body, from, hour, has_attachment)| Note { subject, body, from, hour, has_attachment })
    }

    fn query() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            text().prop_map(|text| format!("\"{text}\"")),
            prop::sample::select(vec![
                "a",
                "ab*",
                "plan*",
                "予算",
                "subject:plan",
                "from:abc",
                "body:\"a ab\"",
                "hasattachment:true",
                "*",
                "sent>=2026-01-13",
                "sent:2026-01-12..2026-01-13",
                "from:somebody@example.com",
                "subject:(a OR plans)",
                "-abc",
                "?!",
            ])
            .prop_map(str::to_owned),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} {right})")),
                (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} OR {right})")),
                (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("({left} AND NOT {right})")),
                inner.prop_map(|inner| format!("NOT ({inner})")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn the_index_finds_what_reading_everything_finds(notes in prop::collection::vec(note(), 0..90), query in query()) {
            let now = "2026-01-12T09:00:00Z".parse().unwrap();
            let query = parse_with(&query, &vocabulary::CHAT_MESSAGE, now).unwrap();
            let index = Index::of(&notes);
            let found: Vec<_> = query.select(&index, &|at| notes.get(at)).iter().collect();
            let expected: Vec<_> = (0..notes.len()).filter(|at| query.holds(&&notes[*at])).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
