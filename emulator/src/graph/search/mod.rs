//! `/search/query`: <https://learn.microsoft.com/graph/search-concept-overview>.
//!
//! ```text
//! body ─► request (one) ─► entity types ─► scopes of each ─► KQL ─► view: found and trimmed ─► order ─► page ─► summaries
//! ```
//! What is counted, paged and quoted is what was trimmed: nothing that the caller may not see reaches this module.

mod entity;
mod event;
mod files;
mod message;
mod refine;
mod said;
mod snippet;

use serde_json::Value;

use super::answer::Answer;
use super::body::{self, Fields};
use super::error::{GraphError, Refusal};
use super::json::{array, boolean, key, number, string};
use super::odata::kql::{self, Kql, KqlError};
use super::route::{Ask, Route, Under, Verb, Workload, search_denied};
use super::view::View;
use crate::search::Phrase;
use entity::Entity;

/// Any of these opens the door; each entity type asks for its own.
const SCOPES: &[&str] = &[
    "Acronym.Read.All",
    "Bookmark.Read.All",
    "Calendars.Read",
    "Calendars.ReadWrite",
    "Chat.Read",
    "Chat.ReadWrite",
    "ExternalItem.Read.All",
    "ExternalItem.ReadWrite.All",
    "Files.Read.All",
    "Files.ReadWrite.All",
    "Mail.Read",
    "Mail.ReadWrite",
    "QnA.Read.All",
    "Sites.Read.All",
    "Sites.ReadWrite.All",
];

const fn row(template: &'static str) -> Route {
    Route {
        verb: Verb::Post,
        under: Under::Root,
        template,
        own: SCOPES,
        others: &[],
        workload: Workload::Search,
        handler: query,
    }
}

/// The rows.
pub(super) const ROUTES: &[Route] = &[row("/search/query"), row("/search/microsoft.graph.query")];

/// What is asked for.
struct Request {
    entities: Vec<Entity>,
    query: Kql,
    from: usize,
    size: usize,
    /// `sortProperties`: names, and whether descending.
    sort: Vec<(String, bool)>,
    aggregations: Vec<refine::Aggregation>,
    filters: Vec<refine::Filter>,
}

/// One hit.
struct Hit {
    id: String,
    summary: String,
    /// The object, without its braces.
    resource: Vec<u8>,
}

/// One page of hits.
struct Hits {
    shown: Vec<Hit>,
    total: usize,
    is_more: bool,
    refiners: Vec<refine::Refiner>,
}

impl Hits {
    /// The page that a request asks for, of things in their order; `total` counts all of them or, as the real service does for some, the page.
    fn page<T>(request: &Request, found: Vec<T>, counts_page: bool, hit: impl FnMut(T) -> Hit) -> Self {
        let all = found.len();
        let shown: Vec<_> = found.into_iter().skip(request.from).take(request.size).map(hit).collect();
        let is_more = request.from.saturating_add(shown.len()) < all && !shown.is_empty();
        Self { total: if counts_page { shown.len() } else { all }, shown, is_more, refiners: Vec::new() }
    }
}

fn bad(message: impl Into<String>) -> Refusal {
    GraphError::BadRequest(message.into()).into()
}

fn query(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let body = body::parse(ask)?;
    let fields = Fields::of(&body, "searchRequest", &["requests"])?;
    let requests = fields.items("requests")?.unwrap_or_default();
    // https://learn.microsoft.com/graph/api/resources/search-api-overview#known-limitations
    let [request] = requests else {
        return Err(bad(format!("Only one search request is supported at a time; {} were sent.", requests.len())));
    };
    let request = read(ask, request)?;
    for entity in &request.entities {
        let needed = entity.scopes();
        if !view.admits(needed) {
            let message = search_denied(entity.title(), needed, &view.principal().scopes);
            let reason = format!("entity type `{}` needs one of {}", entity.as_str(), needed.join(", "));
            return Err(GraphError::Forbidden(message).because(reason));
        }
        if entity.is_personal() && !view.searches() {
            let reason = "access rule `searches`: guests do not search mail, events and chats";
            return Err(GraphError::Forbidden("Guests cannot search this entity type.".to_owned()).because(reason));
        }
    }
    let mut phrases = Vec::new();
    request.query.phrases(&mut phrases);
    let hits = match request.entities.as_slice() {
        [Entity::Message] => message::search(view, &request, &phrases)?,
        [Entity::Event] => event::search(view, &request, &phrases)?,
        [Entity::ChatMessage] => said::search(view, &request, &phrases),
        _ => files::search(view, ask, &request, &phrases)?,
    };
    Ok(Answer::json(written(ask, &request, &phrases, &hits)))
}

fn written(ask: &Ask<'_>, request: &Request, phrases: &[&Phrase], hits: &Hits) -> Vec<u8> {
    let mut out = b"{\"value\":[{\"searchTerms\":".to_vec();
    let mut terms: Vec<&str> = phrases.iter().flat_map(|phrase| phrase.words()).collect();
    terms.dedup();
    array(&mut out, terms, string);
    key(&mut out, "hitsContainers");
    out.extend_from_slice(b"[{");
    // Without a hit there is no `hits` either.
    if !hits.shown.is_empty() {
        key(&mut out, "hits");
        let ranks = request.from + 1..;
        array(&mut out, ranks.zip(&hits.shown), |out, (rank, hit)| {
            out.push(b'{');
            key(out, "hitId");
            string(out, &hit.id);
            key(out, "rank");
            number(out, rank);
            key(out, "summary");
            string(out, &hit.summary);
            key(out, "resource");
            out.push(b'{');
            out.extend_from_slice(&hit.resource);
            out.extend_from_slice(b"}}");
        });
    }
    key(&mut out, "total");
    number(&mut out, hits.total);
    key(&mut out, "moreResultsAvailable");
    boolean(&mut out, hits.is_more);
    refine::write(&mut out, &hits.refiners);
    out.extend_from_slice(b"}]}]");
    key(&mut out, "@odata.context");
    string(&mut out, &format!("{}/$metadata#Collection(microsoft.graph.searchResponse)", ask.root));
    out.push(b'}');
    out
}

const MEMBERS: &[&str] = &[
    "entityTypes",
    "query",
    "from",
    "size",
    "fields",
    "sortProperties",
    "aggregations",
    "aggregationFilters",
    "enableTopResults",
    "collapseProperties",
    "queryAlterationOptions",
    "contentSources",
    "region",
    "sharePointOneDriveOptions",
    "resultTemplateOptions",
    "trimDuplicates",
];

/// <https://learn.microsoft.com/graph/api/resources/searchrequest>
fn read(ask: &Ask<'_>, value: &Value) -> Result<Request, Refusal> {
    let fields = Fields::of(value, "searchRequest", MEMBERS)?;
    let names = fields.texts("entityTypes")?.unwrap_or_default();
    let entities = Entity::all(&names)?;
    let count = |name: &str, default: usize| match fields.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| bad(format!("The value of '{name}' must be a non-negative integer."))),
    };
    let (from, size) = (count("from", 0)?, count("size", 25)?);
    for entity in &entities {
        let most = entity.page_limit();
        if size == 0 || size > most {
            return Err(bad(format!("The size of a page of '{}' must be between 1 and {most}.", entity.as_str())));
        }
        for (name, is_taken) in [
            ("sortProperties", entity.sorts()),
            ("aggregations", entity.aggregates()),
            ("enableTopResults", matches!(entity, Entity::Message | Entity::ChatMessage)),
            // For applications alone.
            ("region", false),
        ] {
            let is_given = match fields.get(name) {
                None | Some(Value::Null | Value::Bool(false)) => false,
                Some(Value::Array(items)) => !items.is_empty(),
                Some(_) => true,
            };
            if is_given && !is_taken {
                return Err(bad(format!("'{name}' is not supported for the entity type '{}'.", entity.as_str())));
            }
        }
    }
    let mut sort = Vec::new();
    for value in fields.items("sortProperties")?.unwrap_or_default() {
        let property = Fields::of(value, "sortProperty", &["name", "isDescending"])?;
        sort.push((property.need("name")?.to_owned(), property.flag("isDescending")?.unwrap_or(false)));
    }
    for name in ["enableTopResults", "collapseProperties", "contentSources"] {
        if fields.get(name).is_some_and(|value| value.as_array().is_none_or(|items| !items.is_empty())) {
            ask.unmodelled(format!("{name} of a search request"));
        }
    }
    let query = fields.get("query").ok_or_else(|| bad("The property 'query' of type 'searchRequest' is required."))?;
    let query = Fields::of(query, "searchQuery", &["queryString", "queryTemplate", "query_string"])?;
    let text = query.need("queryString")?;
    if query.text("queryTemplate")?.is_some_and(|template| template.trim() != "{searchTerms}") {
        ask.unmodelled("queryTemplate of a search request");
    }
    let vocabulary = entities.first().map_or(&kql::vocabulary::SHAREPOINT, |entity| entity.vocabulary());
    let query = kql::parse_with(text.trim(), vocabulary, ask.now).map_err(|error| match error {
        KqlError::Syntax(at) => bad(format!("Syntax error: the query string is not valid at position {at}.")),
        KqlError::NotModelled(what) => {
            ask.unmodelled(format!("KQL {what}"));
            bad("Syntax error: the query string is not valid.")
        }
    })?;
    let (aggregations, filters) = (refine::aggregations(ask, &fields)?, refine::filters(ask, &fields)?);
    Ok(Request { entities, query, from, size, sort, aggregations, filters })
}
