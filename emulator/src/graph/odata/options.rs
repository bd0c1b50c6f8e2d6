//! The query string as OData options.
//!
//! `$` may come percent-encoded and may be missing (the real service takes bare words for some collections only). A word with `$` that is
//! no option is refused; other parameters are none of OData's business and are ignored, as the specification demands.

use std::fmt::Write as _;

use percent_encoding::percent_decode_str;

use super::filter::{self, Expr};
use crate::graph::error::GraphError;

/// One query option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::graph) enum Kind {
    Select,
    Top,
    Skip,
    Filter,
    OrderBy,
    Search,
    Count,
    Expand,
    SkipToken,
    Format,
}

const KINDS: [(&str, Kind); 10] = [
    ("select", Kind::Select),
    ("top", Kind::Top),
    ("skip", Kind::Skip),
    ("filter", Kind::Filter),
    ("orderby", Kind::OrderBy),
    ("search", Kind::Search),
    ("count", Kind::Count),
    ("expand", Kind::Expand),
    ("skiptoken", Kind::SkipToken),
    ("format", Kind::Format),
];

impl Kind {
    fn named(word: &str) -> Option<Self> {
        KINDS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, kind)| kind)
    }

    /// As it is written: `$select`.
    pub(in crate::graph) fn as_str(self) -> &'static str {
        match self {
            Self::Select => "$select",
            Self::Top => "$top",
            Self::Skip => "$skip",
            Self::Filter => "$filter",
            Self::OrderBy => "$orderby",
            Self::Search => "$search",
            Self::Count => "$count",
            Self::Expand => "$expand",
            Self::SkipToken => "$skiptoken",
            Self::Format => "$format",
        }
    }
}

/// One property of `$orderby`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::graph) struct Order {
    pub(in crate::graph) path: String,
    pub(in crate::graph) descending: bool,
}

/// One item of `$expand`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::graph) struct Expand {
    pub(in crate::graph) name: String,
    /// `$select` in parentheses.
    pub(in crate::graph) select: Option<Vec<String>>,
}

/// All options of one request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::graph) struct Options {
    pub(in crate::graph) select: Option<Vec<String>>,
    pub(in crate::graph) top: Option<usize>,
    pub(in crate::graph) skip: Option<usize>,
    pub(in crate::graph) filter: Option<Expr>,
    pub(in crate::graph) order_by: Vec<Order>,
    pub(in crate::graph) search: Option<String>,
    pub(in crate::graph) count: bool,
    pub(in crate::graph) expand: Vec<Expand>,
    pub(in crate::graph) skip_token: Option<String>,
    given: Vec<(Kind, String)>,
    /// Parameters without `$` that are no option, in order: some functions take theirs so.
    others: Vec<(String, String)>,
    /// Words with `$` that are no option.
    pub(in crate::graph) unknown: Vec<String>,
}

impl Options {
    /// Reads a query string, without its question mark.
    pub(in crate::graph) fn parse(query: &str) -> Result<Self, GraphError> {
        let mut options = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name)?;
            let word = name.strip_prefix('$').unwrap_or(&name);
            let Some(kind) = Kind::named(word) else {
                if name.starts_with('$') {
                    options.unknown.push(name);
                } else {
                    options.others.push((name, decoded(value)?));
                }
                continue;
            };
            if options.given.iter().any(|(given, _)| *given == kind) {
                return Err(GraphError::BadRequest(format!(
                    "Query option '{}' was specified more than once, but it must be specified at most once.",
                    kind.as_str()
                )));
            }
            let value = decoded(value)?;
            options.set(kind, &value)?;
            options.given.push((kind, value));
        }
        Ok(options)
    }

    fn set(&mut self, kind: Kind, value: &str) -> Result<(), GraphError> {
        match kind {
            Kind::Select => self.select = Some(names(value)),
            Kind::Top => self.top = Some(number(value, "$top")?),
            Kind::Skip => self.skip = Some(number(value, "$skip")?),
            Kind::Filter => {
                let filter = filter::parse(value)
                    .map_err(|error| GraphError::BadRequest(format!("Invalid filter clause: {error}")))?;
                self.filter = Some(filter);
            }
            Kind::OrderBy => self.order_by = orders(value)?,
            Kind::Search => self.search = Some(value.to_owned()),
            Kind::Count => {
                self.count = match value.trim().to_ascii_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    _ => {
                        let message = format!(
                            "Invalid value '{value}' for $count query option found. Valid values are 'true' or 'false'."
                        );
                        return Err(GraphError::BadRequest(message));
                    }
                }
            }
            Kind::Expand => self.expand = expands(value)?,
            Kind::SkipToken => self.skip_token = Some(value.to_owned()),
            Kind::Format => {
                // Of conversions only downloads know: `format=pdf`.
                let is_conversion = ["pdf", "html", "jpg", "glb"].iter().any(|known| value.eq_ignore_ascii_case(known));
                if !is_conversion && !value.to_ascii_lowercase().contains("json") {
                    return Err(GraphError::BadRequest("The value of $format is not supported.".to_owned()));
                }
            }
        }
        Ok(())
    }

    /// The first option that is none of `allowed`.
    pub(in crate::graph) fn beyond(&self, allowed: &[Kind]) -> Option<Kind> {
        let is_json =
            |(kind, value): &&(Kind, String)| *kind == Kind::Format && value.to_ascii_lowercase().contains("json");
        self.given.iter().filter(|given| !is_json(given)).map(|(kind, _)| *kind).find(|kind| !allowed.contains(kind))
    }

    /// Whether the option was given.
    pub(in crate::graph) fn has(&self, kind: Kind) -> bool {
        self.given.iter().any(|(given, _)| *given == kind)
    }

    /// A parameter that is no option, its name in any letter case.
    pub(in crate::graph) fn parameter(&self, name: &str) -> Option<&str> {
        self.others.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The same options as a query string, with `kind` set to `value` and its like left out: what a next link carries.
    pub(in crate::graph) fn with(&self, kind: Kind, value: &str) -> String {
        let mut query = String::new();
        for (name, value) in &self.others {
            let name = percent_encoding::utf8_percent_encode(name, KEPT);
            let _ = write!(query, "{name}={}&", percent_encoding::utf8_percent_encode(value, KEPT));
        }
        query.truncate(query.len().saturating_sub(1));
        let kept = self.given.iter().filter(|(given, _)| !matches!(given, Kind::Skip | Kind::SkipToken));
        for (given, text) in kept.map(|(kind, text)| (*kind, text.as_str())).chain([(kind, value)]) {
            if !query.is_empty() {
                query.push('&');
            }
            let text = percent_encoding::utf8_percent_encode(text, KEPT);
            let _ = write!(query, "{}={text}", given.as_str());
        }
        query
    }
}

/// What next links leave as it is, beside letters and digits.
const KEPT: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b',').remove(b'/');

fn decoded(text: &str) -> Result<String, GraphError> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| GraphError::BadRequest("The query string is not valid.".to_owned()))
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn number(value: &str, option: &str) -> Result<usize, GraphError> {
    value.trim().parse().map_err(|_| {
        GraphError::BadRequest(format!("Invalid value '{value}' for {option} query option found. The {option} query option requires a non-negative integer value."))
    })
}

fn orders(list: &str) -> Result<Vec<Order>, GraphError> {
    names(list)
        .into_iter()
        .map(|item| {
            let mut words = item.split_whitespace();
            let path = words.next().unwrap_or_default().to_owned();
            let descending = match words.next() {
                None => false,
                Some(word) if word.eq_ignore_ascii_case("asc") => false,
                Some(word) if word.eq_ignore_ascii_case("desc") => true,
                Some(_) => return Err(GraphError::BadRequest(format!("Syntax error in '{list}'."))),
            };
            match words.next() {
                None => Ok(Order { path, descending }),
                Some(_) => Err(GraphError::BadRequest(format!("Syntax error in '{list}'."))),
            }
        })
        .collect()
}

fn expands(list: &str) -> Result<Vec<Expand>, GraphError> {
    let wrong = || GraphError::BadRequest(format!("Term '{list}' is not valid in a $select or $expand expression."));
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    let mut items = Vec::new();
    for (at, letter) in list.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1).ok_or_else(wrong)?,
            ',' if depth == 0 => {
                items.push(list.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(list.get(start..).unwrap_or_default());
    for item in items.into_iter().map(str::trim).filter(|item| !item.is_empty()) {
        let (name, inner) = match item.split_once('(') {
            Some((name, rest)) => (name.trim(), Some(rest.strip_suffix(')').ok_or_else(wrong)?)),
            None => (item, None),
        };
        let select = match inner {
            None => None,
            Some(inner) => {
                let (option, value) = inner.split_once('=').ok_or_else(wrong)?;
                if !option.trim().trim_start_matches('$').eq_ignore_ascii_case("select") {
                    return Err(wrong());
                }
                Some(names(value))
            }
        };
        found.push(Expand { name: name.to_owned(), select });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_dollar_may_be_encoded_or_missing() {
        for query in ["$top=5", "%24top=5", "top=5", "$TOP=5"] {
            assert_eq!(Options::parse(query).unwrap().top, Some(5), "{query}");
        }
        assert_eq!(Options::parse("$frobnicate=1&x=2").unwrap().unknown, ["$frobnicate"]);
        assert!(Options::parse("$top=5&top=6").is_err());
        assert!(Options::parse("$top=-1").is_err());
    }

    #[test]
    fn next_links_carry_every_option_once() {
        let options =
            Options::parse("%24select=id,subject&$skip=3&$filter=from/emailAddress/address%20eq%20'a%26b'").unwrap();
        let next = options.with(Kind::Skip, "13");
        assert_eq!(next, "$select=id,subject&$filter=from/emailAddress/address%20eq%20%27a%26b%27&$skip=13");
        assert_eq!(Options::parse(&next).unwrap().filter, options.filter);
    }

    proptest! {
        #[test]
        fn nothing_panics(query in ".*") {
            let _ = Options::parse(&query);
        }

        #[test]
        fn a_next_link_says_what_was_asked(search in ".*", top in 0_usize..2000) {
            let query = Options { given: vec![(Kind::Search, search.clone()), (Kind::Top, top.to_string())], ..Options::default() };
            let again = Options::parse(&query.with(Kind::Skip, "7")).unwrap();
            prop_assert_eq!(again.search, Some(search));
            prop_assert_eq!(again.top, Some(top));
            prop_assert_eq!(again.skip, Some(7));
        }
    }
}
