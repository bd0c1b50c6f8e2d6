//! Is something in a file that must not be, in whatever disguise? Every text form of a value, UTF-16, what is packed in base64, hexadecimal or
//! gzip, and what a stream cuts over its lines. It looks, it replaces nothing: what it finds was missed by the redaction.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::redact::forms;

/// How much of either end of a long value is looked for: a piece that was cut off is a leak, too.
const END: usize = 40;

/// How often a packing is opened inside another.
const DEPTH: usize = 3;

/// What an archive may unpack to: more is looked at no further.
const LARGEST: u64 = 32 * 1024 * 1024;

/// Shorter runs of base64 or hexadecimal digits pack nothing that is looked for.
const SHORTEST_RUN: usize = 24;

/// The disguises in which secrets are looked for, for reports.
pub const SECRETS: &[&str] = &[
    "raw",
    "percent-encoded",
    "JSON-escaped",
    "HTML-escaped",
    "hexadecimal",
    "base64",
    "base64url",
    "UTF-16",
    "gzip, zlib",
    "cut over lines of a stream",
];

/// The disguises in which words of the content are looked for: the same.
pub const MARKS: &[&str] = SECRETS;

/// Values to look for, with their labels.
pub struct Sweep {
    automaton: Option<AhoCorasick>,
    /// Label and encoding of each pattern.
    patterns: Vec<(String, &'static str)>,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Found {
    /// The value's label.
    pub label: String,
    /// Its disguise.
    pub encoding: String,
}

impl Sweep {
    /// For secrets: value and label. A token is its signature: header and claims are shown on purpose.
    pub(super) fn for_secrets(secrets: &BTreeMap<String, String>) -> Self {
        let opaque = secrets.iter().filter(|(value, _)| super::card::decode(value).is_none());
        let ends = opaque.flat_map(|(value, label)| ends(value).into_iter().map(move |end| (end, label.as_str())));
        Self::over(ends)
    }

    /// For words of the content.
    pub fn for_words<'a>(words: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self::over(words)
    }

    fn over<'a>(values: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut bytes: Vec<Vec<u8>> = Vec::new();
        let mut patterns = Vec::new();
        let mut known = BTreeSet::new();
        for (value, label) in values {
            let texts = forms(value).into_iter().map(|(form, encoding)| (form.into_bytes(), encoding));
            let wide = [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes];
            let wide = wide.map(|order| (value.encode_utf16().flat_map(order).collect(), "UTF-16"));
            for (pattern, encoding) in texts.chain(wide) {
                if known.insert(pattern.clone()) {
                    bytes.push(pattern);
                    patterns.push((label.to_owned(), encoding));
                }
            }
        }
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(&bytes);
        Self { automaton: automaton.ok(), patterns }
    }

    /// Everything that is in there, once for each disguise.
    pub fn scan(&self, bytes: &[u8]) -> Vec<Found> {
        let mut found = BTreeSet::new();
        self.look(bytes, "", DEPTH, &mut found);
        found.into_iter().collect()
    }

    fn look(&self, bytes: &[u8], inside: &str, depth: usize, found: &mut BTreeSet<Found>) {
        let Some(automaton) = &self.automaton else { return };
        for hit in automaton.patterns_in(bytes) {
            if let Some((label, encoding)) = self.patterns.get(hit) {
                found.insert(Found { label: label.clone(), encoding: format!("{encoding}{inside}") });
            }
        }
        if depth == 0 {
            return;
        }
        if let Some(whole) = joined(bytes) {
            self.look(&whole, &format!("{inside}, cut over lines"), 0, found);
        }
        if bytes.contains(&b'%') {
            let decoded: Vec<u8> = percent_encoding::percent_decode(bytes).collect();
            if decoded.len() < bytes.len() {
                self.look(&decoded, &format!("{inside}, percent-encoded"), depth - 1, found);
            }
        }
        for packed in unpacked(bytes) {
            self.look(&packed, &format!("{inside}, packed"), depth - 1, found);
        }
        for (decoded, name) in runs(bytes) {
            self.look(&decoded, &format!("{inside}, in {name}"), depth - 1, found);
        }
    }
}

/// One name for the search: patterns may lie inside each other, and each is told.
trait Search {
    fn patterns_in(&self, bytes: &[u8]) -> Vec<usize>;
}

impl Search for AhoCorasick {
    fn patterns_in(&self, bytes: &[u8]) -> Vec<usize> {
        let hits: BTreeSet<usize> = self.find_overlapping_iter(bytes).map(|hit| hit.pattern().as_usize()).collect();
        hits.into_iter().collect()
    }
}

/// Both ends of a long value, the whole of a short one.
fn ends(value: &str) -> Vec<&str> {
    let head = value.get(..END).unwrap_or(value);
    let tail = value.len().checked_sub(END).and_then(|at| value.get(at..)).unwrap_or(value);
    if head == tail { vec![value] } else { vec![head, tail] }
}

/// A text whose lines were fields of an event stream, and were not: also inside JSON, where a line feed is written `\n`.
fn joined(bytes: &[u8]) -> Option<Vec<u8>> {
    const BREAKS: [&[u8]; 8] = [
        b"\r\ndata: ",
        b"\ndata: ",
        b"\r\ndata:",
        b"\ndata:",
        b"\\r\\ndata: ",
        b"\\ndata: ",
        b"\\r\\ndata:",
        b"\\ndata:",
    ];
    static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        AhoCorasick::builder().match_kind(aho_corasick::MatchKind::LeftmostLongest).build(BREAKS).ok()
    });
    let search = SEARCH.as_ref().filter(|search| search.is_match(bytes))?;
    Some(search.replace_all_bytes(bytes, &[b""; 8]))
}

/// What is compressed in there: gzip anywhere, zlib at the beginning.
fn unpacked(bytes: &[u8]) -> Vec<Vec<u8>> {
    static GZIP: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new([[0x1f, 0x8b, 0x08]]).ok());
    let mut out = Vec::new();
    let mut keep = |mut reader: Box<dyn std::io::Read + '_>| {
        let mut text = Vec::new();
        // A damaged archive gives what comes before the damage.
        let _ = reader.by_ref().take(LARGEST).read_to_end(&mut text);
        if !text.is_empty() {
            out.push(text);
        }
    };
    for magic in GZIP.iter().flat_map(|gzip| gzip.find_iter(bytes)).take(16) {
        keep(Box::new(flate2::read::MultiGzDecoder::new(bytes.get(magic.start()..).unwrap_or_default())));
    }
    if matches!(bytes, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]) {
        keep(Box::new(flate2::read::ZlibDecoder::new(bytes)));
    }
    out
}

/// Runs of base64 and hexadecimal digits, decoded.
fn runs(bytes: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    let mut out = Vec::new();
    for run in bytes.split(|byte| !digit(*byte)).filter(|run| run.len() >= SHORTEST_RUN) {
        if run.iter().all(u8::is_ascii_hexdigit) && run.len() % 2 == 0 {
            let pairs = run.chunks(2).filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
            out.push((pairs.collect(), "hexadecimal"));
        }
        let engine = if run.iter().any(|byte| matches!(byte, b'-' | b'_')) { URL_SAFE } else { STANDARD };
        // A run of 4n+1 digits is none of base64's: without its last one it may be.
        let whole = if run.len() % 4 == 1 { run.get(..run.len() - 1).unwrap_or(run) } else { run };
        if let Ok(decoded) = engine.decode(whole) {
            out.push((decoded, "base64"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    /// Every character that some encoding changes.
    fn secret(number: usize) -> String {
        format!("s3cr3t/{number}+\"<ü>&' of=birth?~{}", "x9".repeat(number))
    }

    fn sweep() -> Sweep {
        let secrets = (0..10).map(|number| (secret(number), format!("<secret-{number}>"))).collect();
        Sweep::for_secrets(&secrets)
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::default());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    }

    fn zlib(text: &str) -> Vec<u8> {
        let mut out = ZlibEncoder::new(Vec::new(), Compression::default());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn hexadecimal(bytes: &[u8]) -> String {
        bytes
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect()
    }

    fn streamed(text: &str) -> String {
        let (head, tail) = text.split_at(11);
        format!("event: message\ndata: {{\"a\":\"{head}\ndata: {tail}\"}}\n\n")
    }

    #[test]
    fn ten_secrets_in_ten_disguises_are_found() {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let text = |number: usize| format!("before {} after", secret(number));
        let html = |text: &str| {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            escaped.replace('"', "&quot;").replace('\'', "&#39;")
        };
        let planted: [(&str, Vec<u8>); 10] = [
            ("raw", text(0).into()),
            (
                "percent-encoded",
                utf8_percent_encode(&secret(1), NON_ALPHANUMERIC).to_string().replace("%7E", "~").into(),
            ),
            ("base64", STANDARD.encode(text(2)).into()),
            ("base64url", URL_SAFE_NO_PAD.encode(text(3)).into()),
            ("hexadecimal", hexadecimal(text(4).as_bytes()).into()),
            ("JSON-escaped", serde_json::to_vec(&text(5)).unwrap()),
            ("HTML-escaped", html(&text(6)).into()),
            ("UTF-16", wide(&text(7))),
            ("packed", gzip(&text(8))),
            ("cut over lines", streamed(&secret(9)).into()),
        ];
        let sweep = sweep();
        for (number, (disguise, bytes)) in planted.iter().enumerate() {
            let page = [b"<p>nothing here</p>\n".as_slice(), bytes, b"\n<p>nor here</p>"].concat();
            let found = sweep.scan(&page);
            let label = format!("<secret-{number}>");
            assert!(found.iter().all(|found| found.label == label), "{disguise}: {found:?}");
            assert!(found.iter().any(|found| found.encoding.contains(disguise)), "{disguise}: {found:?}");
            // As the evidence keeps a body: base64 inside JSON.
            let kept = format!("{{\"raw\":\"{}\"}}", STANDARD.encode(&page));
            assert!(sweep.scan(kept.as_bytes()).iter().any(|found| found.label == label), "{disguise} in a body");
        }
        assert!(sweep.scan(&zlib(&text(3))).iter().any(|found| found.label == "<secret-3>"), "zlib");
        assert_eq!(sweep.scan(b"s3cr3t/0 of birth, and nothing else"), []);
    }

    #[test]
    fn a_form_encodes_what_an_address_does_not() {
        let secret = "o365~fixture~secret~of~nobody~7Qx";
        let sweep = Sweep::for_secrets(&[(secret.to_owned(), "<secret>".to_owned())].into());
        let form = serde_urlencoded::to_string([("client_secret", secret)]).unwrap();
        assert!(form.contains("%7E"), "{form}");
        let partly = secret.replacen('~', "%7e", 2);
        for text in [form.clone(), form.to_lowercase().replace("7qx", "7Qx"), partly, form.replace('%', "%25")] {
            assert!(!sweep.scan(text.as_bytes()).is_empty(), "{text}");
        }
        let mut redactor = super::super::Redactor::default();
        redactor.register("client-secret", secret);
        assert_eq!(redactor.needles().redact(&form), "client_secret=<client-secret-1>");
    }

    #[test]
    fn an_end_that_was_cut_off_is_found_too() {
        let long = "A".repeat(30) + &"b7".repeat(60) + &"C".repeat(30);
        let sweep = Sweep::for_secrets(&[(long.clone(), "<long>".to_owned())].into());
        for piece in [&long[..60], &long[90..]] {
            assert_eq!(sweep.scan(piece.as_bytes()).len(), 1, "{piece}");
        }
    }
}
