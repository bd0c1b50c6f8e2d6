//! Refiners: what was found, counted by a property, and the filters that their tokens make.
//!
//! <https://learn.microsoft.com/graph/search-concept-aggregation>. Counted is what was trimmed, all of it and not the page alone.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::super::body::Fields;
use super::super::error::Refusal;
use super::super::json::{array, key, number, string};
use super::super::route::Ask;
use super::bad;

/// What may be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    FileType,
    Class,
    Site,
}

/// One of `aggregations`.
#[derive(Debug, Clone)]
pub(super) struct Aggregation {
    /// As the request spells it.
    field: String,
    property: Property,
    size: usize,
    by_count: bool,
    is_descending: bool,
    least: usize,
    prefix: String,
}

/// One of `aggregationFilters`: one of these values.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    property: Property,
    values: Vec<String>,
}

/// The answer to an aggregation: values and how often each was found.
#[derive(Debug)]
pub(super) struct Refiner {
    field: String,
    buckets: Vec<(String, usize)>,
}

fn property(name: &str) -> Option<Property> {
    match name.to_ascii_lowercase().as_str() {
        "filetype" | "fileextension" => Some(Property::FileType),
        "contentclass" => Some(Property::Class),
        "spsiteurl" | "site" => Some(Property::Site),
        _ => None,
    }
}

/// What a value is called in a filter: `ǂǂ` and its bytes in hexadecimal.
fn token(value: &str) -> String {
    value.bytes().fold("\"ǂǂ".to_owned(), |mut token, byte| {
        let _ = write!(token, "{byte:02x}");
        token
    }) + "\""
}

fn untoken(text: &str) -> Option<String> {
    let digits = text.strip_prefix("ǂǂ")?;
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let bytes = (0..digits.len()).step_by(2).map(byte).collect::<Option<Vec<_>>>()?;
    String::from_utf8(bytes).ok()
}

/// Reads `aggregations` of a request. What is not modelled is counted and has no effect.
pub(super) fn aggregations(ask: &Ask<'_>, request: &Fields<'_>) -> Result<Vec<Aggregation>, Refusal> {
    let mut found = Vec::new();
    for value in request.items("aggregations")?.unwrap_or_default() {
        let fields = Fields::of(value, "aggregationOption", &["field", "size", "bucketDefinition"])?;
        let field = fields.need("field")?.to_owned();
        let nothing = Value::Object(serde_json::Map::new());
        let definition = fields.get("bucketDefinition").filter(|value| !value.is_null()).unwrap_or(&nothing);
        let known = &["sortBy", "isDescending", "minimumCount", "prefixFilter", "ranges"];
        let definition = Fields::of(definition, "bucketAggregationDefinition", known)?;
        let whole =
            |value: Option<&Value>| value.and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
        let by_count = match definition.text("sortBy")?.unwrap_or("count") {
            "count" => true,
            "keyAsString" | "keyAsNumber" => false,
            other => return Err(bad(format!("The value '{other:.40}' of 'sortBy' is not valid."))),
        };
        let has_ranges = definition.items("ranges")?.is_some_and(|ranges| !ranges.is_empty());
        let Some(property) = property(&field).filter(|_| !has_ranges) else {
            ask.unmodelled(format!("aggregation by {field:.40}{}", if has_ranges { " in ranges" } else { "" }));
            continue;
        };
        found.push(Aggregation {
            field,
            property,
            size: whole(fields.get("size")).unwrap_or(10),
            by_count,
            is_descending: definition.flag("isDescending")?.unwrap_or(true),
            least: whole(definition.get("minimumCount")).unwrap_or(0),
            prefix: definition.text("prefixFilter")?.unwrap_or_default().to_lowercase(),
        });
    }
    Ok(found)
}

/// Reads `aggregationFilters`: `field:"ǂǂ…"`, or `field:or("ǂǂ…","ǂǂ…")`.
pub(super) fn filters(ask: &Ask<'_>, request: &Fields<'_>) -> Result<Vec<Filter>, Refusal> {
    let mut found = Vec::new();
    for text in request.texts("aggregationFilters")?.unwrap_or_default() {
        let unfit = || bad(format!("The aggregation filter '{text:.80}' is not valid."));
        let (field, rest) = text.split_once(':').ok_or_else(unfit)?;
        let quoted: Vec<&str> = rest.split('"').skip(1).step_by(2).collect();
        if rest.starts_with("range(") {
            ask.unmodelled("aggregation filter by a range");
            return Err(unfit());
        }
        let values = quoted.into_iter().map(untoken).collect::<Option<Vec<_>>>().ok_or_else(unfit)?;
        let property = property(field).filter(|_| !values.is_empty()).ok_or_else(unfit)?;
        found.push(Filter { property, values });
    }
    Ok(found)
}

impl Filter {
    /// Whether something with this value of each property passes.
    pub(super) fn passes(&self, value: impl Fn(Property) -> Option<String>) -> bool {
        value(self.property).is_some_and(|value| self.values.iter().any(|wanted| wanted.eq_ignore_ascii_case(&value)))
    }
}

impl Aggregation {
    /// Counts what was found.
    pub(super) fn count<T>(&self, found: &[T], value: impl Fn(&T, Property) -> Option<String>) -> Refiner {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for value in found.iter().filter_map(|one| value(one, self.property)) {
            *counts.entry(value).or_default() += 1;
        }
        let mut buckets: Vec<_> = counts
            .into_iter()
            .filter(|(value, count)| *count >= self.least && value.to_lowercase().starts_with(&self.prefix))
            .collect();
        match (self.by_count, self.is_descending) {
            (true, true) => buckets.sort_by_key(|(_, count)| Reverse(*count)),
            (true, false) => buckets.sort_by_key(|(_, count)| *count),
            (false, true) => buckets.reverse(),
            (false, false) => {}
        }
        buckets.truncate(self.size);
        Refiner { field: self.field.clone(), buckets }
    }
}

/// `aggregations` of an answer; nothing of one that asked for none.
pub(super) fn write(out: &mut Vec<u8>, refiners: &[Refiner]) {
    if refiners.is_empty() {
        return;
    }
    key(out, "aggregations");
    array(out, refiners, |out, refiner| {
        out.push(b'{');
        key(out, "field");
        string(out, &refiner.field);
        key(out, "buckets");
        array(out, &refiner.buckets, |out, (value, count)| {
            out.push(b'{');
            key(out, "key");
            string(out, value);
            key(out, "count");
            number(out, *count);
            key(out, "aggregationFilterToken");
            string(out, &token(value));
            out.push(b'}');
        });
        out.push(b'}');
    });
}
