//! Broken connectors that read documents carelessly: in their own process, believing what the file says of itself.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use connector::danger::Edges;
use connector::documents::extract::Unreadable;
use connector::documents::model::Body;
use connector::documents::{ExtractError, Extracted, Extractor, Format, Job};
use connector::policy::Policy;
use flate2::read::DeflateDecoder;
use futures_util::future::BoxFuture;

use super::Broken;
use crate::package;

/// What the careless reader takes a file for too large by.
const LIMIT: u32 = 8 * 1024 * 1024;
/// So that a broken connector does not take the harness with it.
const MOST: u64 = 128 * 1024 * 1024;

/// How the text of a Word file is made.
type Reading = fn(&[u8]) -> Result<String, Unreadable>;

struct Careless {
    real: Arc<dyn Extractor>,
    reading: Reading,
}

impl Extractor for Careless {
    fn extract(&self, job: Job) -> BoxFuture<'_, Result<Extracted, ExtractError>> {
        if job.format != Format::Docx {
            return self.real.extract(job);
        }
        Box::pin(async move {
            let text = (self.reading)(&job.bytes)?;
            Ok(Extracted { title: None, body: Body::Text { text }, remarks: Vec::new() })
        })
    }
}

fn reads(reading: Reading) -> (Policy, Edges) {
    let documents = move |real| -> Arc<dyn Extractor> { Arc::new(Careless { real, reading }) };
    (Policy::STRICT, Edges { documents: Some(Box::new(documents)), ..Edges::default() })
}

/// A decompression bomb that lies about its size is unpacked.
pub const TRUSTS_DECLARED_SIZES: Broken = Broken {
    name: "trusts-declared-sizes",
    sentence: "The size of what a document holds is taken from its own header, and the document is unpacked where the server runs.",
    reference: Some("CWE-409"),
    fault: || reads(|file| Ok(text_of(&main_part(file)?))),
};

/// Entities of a document are expanded, and what they name is fetched.
pub const EXPANDS_ENTITIES: Broken = Broken {
    name: "expands-entities",
    sentence: "The XML of a document may declare entities: they are expanded, and files that they name are read.",
    reference: Some("CWE-611, CWE-776"),
    fault: || reads(|file| Ok(text_of(&expanded(&main_part(file)?)))),
};

fn main_part(file: &[u8]) -> Result<String, Unreadable> {
    let part = package::parts(file).find(|part| part.name == "word/document.xml").ok_or(Unreadable::Damaged)?;
    if part.size > LIMIT {
        return Err(Unreadable::TooLarge);
    }
    let mut text = String::new();
    DeflateDecoder::new(part.bytes).take(MOST).read_to_string(&mut text).map_err(|_| Unreadable::Damaged)?;
    Ok(text)
}

/// Each `<!ENTITY name "value">`, and each `<!ENTITY name SYSTEM "file:///…">` with what the file holds, put where it is named.
fn expanded(xml: &str) -> String {
    let mut entities = BTreeMap::new();
    for declared in xml.split("<!ENTITY ").skip(1) {
        let Some((name, rest)) = declared.trim_start_matches("% ").split_once(char::is_whitespace) else { continue };
        let value = rest.split('"').nth(1).unwrap_or_default();
        let value = match value.strip_prefix("file://").filter(|_| rest.trim_start().starts_with("SYSTEM")) {
            Some(path) => std::fs::read_to_string(path).unwrap_or_default(),
            None => value.to_owned(),
        };
        entities.insert(name.to_owned(), value);
    }
    let mut text = xml.split_once("]>").map_or(xml, |(_, body)| body).to_owned();
    // As deep as any honest document goes, and no more than a harness can hold.
    for _ in 0..8 {
        for (name, value) in &entities {
            if (text.len() as u64) < MOST / 16 {
                text = text.replace(&format!("&{name};"), value);
            }
        }
    }
    text
}

fn text_of(xml: &str) -> String {
    let mut text = String::new();
    for piece in xml.split('<') {
        text.push_str(piece.split_once('>').map_or("", |(_, words)| words));
        text.push(' ');
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
