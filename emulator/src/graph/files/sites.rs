//! Sites and their pages.

use serde_json::{Map, Value, json};

use super::items::{answer, next, window};
use super::shape;
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::{SiteView, View};
use crate::site::Page;

type Answered = Result<Answer, Refusal>;

fn single(ask: &Ask<'_>, site: &SiteView<'_>) -> Answered {
    ask.only(&[Kind::Select])?;
    let body = shape::selected(shape::site(site), ask.options.select.as_deref(), shape::SITE, "site")?;
    Ok(answer(ask, "sites/$entity", body))
}

fn several(view: &View<'_>, ask: &Ask<'_>, sites: &[SiteView<'_>]) -> Answered {
    ask.only(&[Kind::Select, Kind::Top, Kind::SkipToken, Kind::Search, Kind::OrderBy, Kind::Count])?;
    let (skip, size) = window(view, ask)?;
    let select = ask.options.select.as_deref();
    let shown = sites.iter().skip(skip).take(size);
    let shaped = shown.map(|site| shape::selected(shape::site(site), select, shape::SITE, "site"));
    let mut body = Map::new();
    body.insert("value".to_owned(), json!(shaped.collect::<Result<Vec<_>, _>>()?));
    if sites.len() > skip.saturating_add(size) {
        body.insert("@odata.nextLink".to_owned(), json!(next(view, ask, skip + size)));
    }
    Ok(answer(ask, "sites", body))
}

pub(super) fn read(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    single(ask, &view.site(ask.key(0))?)
}

pub(super) fn read_at(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    single(ask, &view.site_at(ask.key(0), ask.key(1))?)
}

pub(super) fn of_group(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    single(ask, &view.site_of_group(ask.key(0))?)
}

/// `/sites?search=`: free text over name, title and address: <https://learn.microsoft.com/graph/api/site-search>.
pub(super) fn search(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    let Some(text) = &ask.options.search else {
        let message = "A search query must be provided.".to_owned();
        return Err(GraphError::DriveRequest(message).into());
    };
    let words: Vec<_> = text.trim_matches('"').to_lowercase().split_whitespace().map(str::to_owned).collect();
    let fits = |site: &SiteView<'_>| {
        let web = &site.site.web;
        let known = format!(
            "{} {} {}/{}",
            site.site.display_name,
            site.site.description.as_deref().unwrap_or_default(),
            web.host,
            web.path
        );
        let known = known.to_lowercase();
        words.iter().all(|word| word == "*" || known.contains(word.trim_end_matches('*')))
    };
    let found: Vec<_> = view.sites().into_iter().filter(fits).collect();
    several(view, ask, &found)
}

/// Sites below another: none here.
pub(super) fn children(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    view.site(ask.key(0))?;
    several(view, ask, &[])
}

/// Nobody follows a site here.
pub(super) fn followed(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    several(view, ask, &[])
}

fn shaped(site: &SiteView<'_>, page: &Page, is_site_page: bool) -> Map<String, Value> {
    let mut out = Map::new();
    if !is_site_page {
        out.insert("@odata.type".to_owned(), json!("#microsoft.graph.sitePage"));
    }
    let time = shape::time(page.created);
    out.insert("id".to_owned(), json!(page.unique.to_string()));
    out.insert("name".to_owned(), json!(page.name));
    out.insert("title".to_owned(), json!(page.title));
    out.insert("webUrl".to_owned(), json!(format!("SitePages/{}", crate::drive::in_url(&page.name))));
    out.insert("createdDateTime".to_owned(), json!(time));
    out.insert("lastModifiedDateTime".to_owned(), json!(time));
    out.insert("eTag".to_owned(), json!(format!("\"{{{}}},1\"", page.unique.to_string().to_uppercase())));
    out.insert("pageLayout".to_owned(), json!("article"));
    out.insert("parentReference".to_owned(), json!({ "siteId": site.site.web.site.to_string() }));
    out.insert("publishingState".to_owned(), json!({ "level": "published", "versionId": "1.0" }));
    if is_site_page {
        out.insert("promotionKind".to_owned(), json!("page"));
        out.insert("showComments".to_owned(), json!(true));
        out.insert("showRecommendedPages".to_owned(), json!(false));
    }
    out
}

/// The text web parts of a page, each in a section of its own.
fn canvas(page: &Page) -> Value {
    let sections: Vec<_> = page
        .html
        .iter()
        .enumerate()
        .map(|(at, html)| {
            let part = json!({
                "@odata.type": "#microsoft.graph.textWebPart",
                "id": fixtures::ids::UniqueId::derived(&format!("{}/{at}", page.unique)).to_string(),
                "innerHtml": html,
            });
            let column = json!({ "id": "1", "width": 12, "webparts": [part] });
            json!({ "id": (at + 1).to_string(), "layout": "oneColumn", "emphasis": "none", "columns": [column] })
        })
        .collect();
    json!({ "horizontalSections": sections })
}

const PAGE: &[&str] = &[
    "id",
    "name",
    "title",
    "webUrl",
    "createdDateTime",
    "lastModifiedDateTime",
    "eTag",
    "pageLayout",
    "parentReference",
    "publishingState",
    "promotionKind",
    "showComments",
    "showRecommendedPages",
    "description",
    "createdBy",
    "lastModifiedBy",
    "thumbnailWebUrl",
    "reactions",
    "titleArea",
];

fn list(view: &View<'_>, ask: &Ask<'_>, is_site_page: bool) -> Answered {
    let of = view.site(ask.key(0))?;
    ask.only(&[Kind::Select, Kind::Top, Kind::SkipToken, Kind::Count])?;
    let (skip, size) = window(view, ask)?;
    let select = ask.options.select.as_deref();
    let pages = &of.site.pages;
    let shown = pages.iter().skip(skip).take(size);
    let shown = shown.map(|page| shape::selected(shaped(&of, page, is_site_page), select, PAGE, "sitePage"));
    let mut body = Map::new();
    body.insert("value".to_owned(), json!(shown.collect::<Result<Vec<_>, _>>()?));
    if pages.len() > skip.saturating_add(size) {
        body.insert("@odata.nextLink".to_owned(), json!(next(view, ask, skip + size)));
    }
    let cast = if is_site_page { "/microsoft.graph.sitePage" } else { "" };
    Ok(answer(ask, &format!("sites('{}')/pages{cast}", ask.key(0)), body))
}

pub(super) fn pages(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    list(view, ask, false)
}

pub(super) fn site_pages(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    list(view, ask, true)
}

fn one(view: &View<'_>, ask: &Ask<'_>, is_site_page: bool) -> Answered {
    let site = view.site(ask.key(0))?;
    ask.only(&[Kind::Select, Kind::Expand])?;
    let page = site.site.pages.iter().find(|page| page.unique.to_string().eq_ignore_ascii_case(ask.key(1)));
    let page = page.ok_or_else(|| GraphError::DriveItemNotFound.because("no such page of this site"))?;
    let mut body = shape::selected(shaped(&site, page, is_site_page), ask.options.select.as_deref(), PAGE, "sitePage")?;
    for expand in &ask.options.expand {
        if is_site_page && expand.name.eq_ignore_ascii_case("canvasLayout") {
            body.insert("canvasLayout".to_owned(), canvas(page));
        } else {
            ask.unmodelled(format!("$expand={:.60} of a page", expand.name));
            let message = format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{:.60}' on type 'microsoft.graph.baseSitePage'.",
                expand.name
            );
            return Err(GraphError::BadRequest(message).into());
        }
    }
    let cast = if is_site_page { "/microsoft.graph.sitePage" } else { "" };
    Ok(answer(ask, &format!("sites('{}')/pages{cast}/$entity", ask.key(0)), body))
}

pub(super) fn page(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    one(view, ask, false)
}

pub(super) fn site_page(view: &View<'_>, ask: &Ask<'_>) -> Answered {
    one(view, ask, true)
}
