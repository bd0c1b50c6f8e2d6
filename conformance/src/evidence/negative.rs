//! What did not happen: nothing of others in any answer, looked for in every disguise; and to whom the target spoke at all.

use std::collections::BTreeMap;

use fixtures::Plan;
use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use crate::recorder::{MARKS, Recorder, Sweep};

/// What was looked for, where, and what was there.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Negative {
    /// How many words of the content were looked for: each stands in one thing of the world and nowhere else.
    pub words: usize,
    /// The disguises in which they were looked for.
    pub encodings: Vec<&'static str>,
    /// Where: every answer of the target.
    pub places: Vec<Place>,
    /// Bytes that were searched.
    pub bytes: usize,
    /// Words that were shown to somebody who may not see them.
    pub hits: Vec<Hit>,
    /// To whom the target spoke: host, method and path, ids replaced, and how often.
    pub outbound: Vec<Outbound>,
}

/// One answer.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Place {
    /// The exchange.
    pub seq: usize,
    /// To whom.
    pub to: String,
    /// Its size.
    pub bytes: usize,
    /// How many of the words in it the person may see.
    pub own: usize,
}

/// A word where it must not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Hit {
    /// The exchange.
    pub seq: usize,
    /// To whom it was shown.
    pub to: String,
    /// The thing that the word stands in.
    pub of: String,
    /// Its disguise.
    pub encoding: String,
}

/// Requests of the target to one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outbound {
    /// The host.
    pub host: String,
    /// The method.
    pub method: String,
    /// The path, ids replaced.
    pub path: String,
    /// How often.
    pub count: usize,
}

impl Negative {
    /// The words of a plan's content.
    pub(crate) fn words(plan: &Plan) -> Sweep {
        let marks: Vec<_> = plan.marks().collect();
        Sweep::for_words(marks.iter().map(|mark| (mark.word, mark.handle.as_str())))
    }

    /// Searches what a recorder kept.
    pub(crate) fn of(plan: &Plan, words: &Sweep, recorder: &Recorder) -> Self {
        let marks: BTreeMap<String, _> = plan.marks().map(|mark| (mark.handle.clone(), mark)).collect();
        let mut told = Self { words: marks.len(), encodings: MARKS.to_vec(), ..Self::default() };
        let mut outbound: BTreeMap<(String, String, String), usize> = BTreeMap::new();
        for (at, hop) in recorder.exchanges().enumerate() {
            if hop.from == "connector" {
                let path = Url::parse(&hop.url).map_or_else(|_| hop.url.clone(), |url| template(url.path()));
                *outbound.entry((hop.to.clone(), hop.method.clone(), path)).or_default() += 1;
            }
            if hop.from != "harness" || !matches!(hop.to.as_str(), "connector" | "host") {
                continue;
            }
            let mut answer = Vec::new();
            for (name, value) in &hop.response_headers {
                answer.extend(format!("{name}: {value}\n").into_bytes());
            }
            answer.extend(&hop.response);
            let mut place = Place { seq: at + 1, to: hop.actor.clone(), bytes: answer.len(), own: 0 };
            for found in words.scan(&answer) {
                if marks.get(&found.label).is_some_and(|mark| mark.is_for(&hop.actor)) {
                    place.own += 1;
                } else {
                    told.hits.push(Hit {
                        seq: place.seq,
                        to: place.to.clone(),
                        of: found.label,
                        encoding: found.encoding,
                    });
                }
            }
            told.bytes += place.bytes;
            told.places.push(place);
        }
        told.outbound =
            outbound.into_iter().map(|((host, method, path), count)| Outbound { host, method, path, count }).collect();
        told
    }
}

/// A path with its ids replaced: what is long, or a GUID, is no word of the service.
pub(super) fn template(path: &str) -> String {
    let segment = |segment: &str| {
        let digits = segment.chars().filter(char::is_ascii_digit).count();
        let id = segment.len() >= 28 || segment.contains('@') || (segment.len() >= 12 && digits >= 3);
        if id { "{id}".to_owned() } else { segment.to_owned() }
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}
