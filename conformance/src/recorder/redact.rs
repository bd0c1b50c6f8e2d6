//! Which secrets may never be written, and in which disguises they are looked for. By value, not by header name: a secret is registered
//! when it is born and replaced wherever it turns up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Shorter than this, a value would be found by chance.
const SHORTEST: usize = 8;

/// Shorter than this, a piece of base64 would be found by chance.
const SHORTEST_BASE64: usize = 12;

/// The secrets of one run with their labels. The same value has the same label everywhere.
#[derive(Debug, Default, Clone)]
pub struct Redactor {
    secrets: BTreeMap<Secret, String>,
    counts: BTreeMap<&'static str, usize>,
}

/// Every secret in every form with its label.
pub struct Needles {
    rows: Vec<(String, String, &'static str)>,
    /// The end of each form: where none of them is, no form is. Long forms make large automata, and most texts hold none.
    ends: Option<AhoCorasick>,
}

/// How much of a form's end is looked for first.
const END: usize = 32;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret that was found where none may be. Holds its label, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The secret's label.
    pub label: String,
    /// The form it was found in.
    pub encoding: &'static str,
}

impl Redactor {
    /// Registers a secret; the label is its kind and a number in order of birth.
    pub fn register(&mut self, kind: &'static str, value: &str) {
        if value.len() < SHORTEST || self.secrets.contains_key(&Secret(value.to_owned())) {
            return;
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        self.secrets.insert(Secret(value.to_owned()), format!("<{kind}-{count}>"));
    }

    /// Registers a secret under a label of the caller's.
    pub(super) fn register_as(&mut self, label: String, value: &str) {
        if value.len() >= SHORTEST {
            self.secrets.entry(Secret(value.to_owned())).or_insert(label);
        }
    }

    /// Every secret with its label.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.secrets.iter().map(|(secret, label)| (secret.0.as_str(), label.as_str()))
    }

    /// Everything registered so far, ready to be looked for.
    pub fn needles(&self) -> Needles {
        let mut needles: Vec<_> = self
            .secrets
            .iter()
            .flat_map(|(secret, label)| forms(&secret.0).into_iter().map(|(form, name)| (form, label.clone(), name)))
            .collect();
        needles.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        needles.dedup_by(|a, b| a.0 == b.0);
        let end = |form: &'_ String| form.as_bytes().get(form.len().saturating_sub(END)..).unwrap_or_default().to_vec();
        let ends: Vec<Vec<u8>> = needles.iter().map(|(form, _, _)| end(form)).collect();
        let ends = AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(ends);
        Needles { ends: ends.ok(), rows: needles }
    }
}

impl Needles {
    /// The text with every secret replaced by its label; of two that begin at the same place, the longer.
    pub fn redact(&self, text: &str) -> String {
        let found = self.found(text);
        if found.is_empty() {
            return text.to_owned();
        }
        let forms: Vec<&str> = found.iter().map(|(form, _, _)| form.as_str()).collect();
        let labels: Vec<&str> = found.iter().map(|(_, label, _)| label.as_str()).collect();
        let search = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::NoncontiguousNFA))
            .match_kind(MatchKind::LeftmostLongest)
            .build(forms);
        let mut out = search.map_or_else(|_| text.to_owned(), |search| search.replace_all(text, &labels));
        // Where two overlapped, a piece of the second is left: what still is one is replaced by itself.
        if !self.found(&out).is_empty() {
            for (form, label, _) in found {
                out = out.replace(form.as_str(), label);
            }
        }
        out
    }

    /// What is still in there. Anything but an empty list makes a run fail.
    pub fn scan(&self, text: &str) -> Vec<Leak> {
        let found = self.found(text).into_iter();
        found.map(|(_, label, encoding)| Leak { label: label.clone(), encoding }).collect()
    }

    /// The forms whose end is in there.
    fn found(&self, text: &str) -> Vec<&(String, String, &'static str)> {
        let hits =
            self.ends.iter().flat_map(|ends| ends.find_overlapping_iter(text)).map(|hit| hit.pattern().as_usize());
        let hits: BTreeSet<usize> = hits.collect();
        hits.into_iter().filter_map(|row| self.rows.get(row)).collect()
    }
}

/// A value in every form that is text.
pub(super) fn forms(value: &str) -> Vec<(String, &'static str)> {
    let mut forms = vec![(value.to_owned(), "raw")];
    forms.push((utf8_percent_encode(value, RESERVED).to_string(), "percent-encoded"));
    forms.push((utf8_percent_encode(value, RESERVED).to_string().to_lowercase(), "percent-encoded, lower case"));
    // A form encodes more than an address does: the tilde, and blanks as plus signs.
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    forms.push((form.to_lowercase(), "form-encoded, lower case"));
    forms.push((form, "form-encoded"));
    forms.push((utf8_percent_encode(value, NON_ALPHANUMERIC).to_string(), "percent-encoded throughout"));
    let json = serde_json::to_string(value).unwrap_or_default();
    forms.push((json.trim_matches('"').to_owned(), "JSON-escaped"));
    forms.push((html(value), "HTML-escaped"));
    forms.push((hex(value), "hexadecimal"));
    for offset in 0..3 {
        forms.extend(base64_inside(value, offset));
    }
    // Only the raw form may be short or plain; the others matter when they differ.
    let raw = value.to_owned();
    forms.retain(|(form, name)| *name == "raw" || (*form != raw && form.len() >= SHORTEST));
    forms
}

fn html(value: &str) -> String {
    let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    escaped.replace('\'', "&#39;")
}

fn hex(value: &str) -> String {
    let mut out = String::with_capacity(value.len() * 2);
    for byte in value.bytes() {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// The part of a base64 text that does not depend on what stands before and after the value: the value may begin at any of three
/// places inside a group.
fn base64_inside(value: &str, offset: usize) -> impl Iterator<Item = (String, &'static str)> {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(value.as_bytes());
    // Two or three characters are shared with what stands before; an unfinished last group is shared with what follows.
    let begin = [0, 2, 3].get(offset).copied().unwrap_or(0);
    let end = bytes.len() / 3 * 4;
    [(STANDARD.encode(&bytes), "base64"), (URL_SAFE.encode(&bytes), "base64url")]
        .into_iter()
        .filter_map(move |(text, name)| text.get(begin..end).map(|part| (part.to_owned(), name)))
        .filter(|(part, _)| part.len() >= SHORTEST_BASE64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redactor(secret: &str) -> Redactor {
        let mut redactor = Redactor::default();
        redactor.register("secret", secret);
        redactor
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn a_secret_is_found_in_every_disguise(secret in "[ -~]{16,60}", before in "[a-z]{0,7}", after in "[a-z]{0,7}") {
            let redactor = redactor(&secret).needles();
            let text = format!("{before}{secret}{after}");
            let disguises = [
                text.clone(),
                utf8_percent_encode(&text, RESERVED).to_string(),
                serde_json::to_string(&text).unwrap(),
                STANDARD.encode(&text),
                URL_SAFE.encode(&text),
                hex(&text),
            ];
            for disguise in disguises {
                prop_assert!(!redactor.scan(&disguise).is_empty(), "{disguise}");
                let redacted = redactor.redact(&disguise);
                prop_assert!(redactor.scan(&redacted).is_empty(), "{redacted}");
            }
        }
    }

    #[test]
    fn the_same_value_has_the_same_label() {
        let mut redactor = redactor("first-secret-value");
        redactor.register("secret", "second-secret-value");
        redactor.register("secret", "first-secret-value");
        let text = redactor.needles().redact("first-secret-value second-secret-value first-secret-value");
        assert_eq!(text, "<secret-1> <secret-2> <secret-1>");
    }
}
