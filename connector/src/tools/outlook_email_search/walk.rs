//! How far is the mail walked through? Until the page is full, and never without end.

use serde::{Deserialize, Serialize};
use url::Url;

use super::filters::Filters;
use crate::graph::client::Reader;
use crate::graph::mail::{Message, Page};
use crate::graph::request::{GraphRead, MessagePage, Question};
use crate::refusal::{Code, Refusal};
use crate::resource_uri::{Mailbox, Segment};

/// Pages of Graph that one call reads at most.
const MAX_PAGES: u32 = 12;

/// Ranked messages per page: the same on every call, or a place in the list would move.
const RANKED: u32 = 25;

/// Messages per page where most of them may not match.
const WIDE: u32 = 100;

/// One call's way through one mailbox.
pub(super) struct Walk<'a> {
    pub(super) graph: &'a Reader<'a>,
    pub(super) mailbox: &'a Mailbox,
    pub(super) folder: Option<&'a Segment>,
    pub(super) filters: &'a Filters,
    /// Without what mails say.
    pub(super) basics: bool,
    pub(super) limit: u32,
}

/// Where a ranked search goes on: a page of Graph's, and how much of it was given already. No address: that is built anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    #[serde(rename = "t")]
    token: Option<String>,
    #[serde(rename = "s")]
    skip: usize,
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) messages: Vec<Message>,
    /// Whether there is more.
    pub(super) more: bool,
    /// Where a ranked search goes on.
    pub(super) next: Option<Place>,
    /// Whether the walk was cut short.
    pub(super) partial: bool,
    /// What cut it short, if that was a refusal.
    pub(super) cut: Option<Refusal>,
}

impl Found {
    /// What was found so far is worth more than a refusal, if the rest can be had later.
    fn cut_short(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        if !matches!(refusal.code(), Code::Throttled | Code::Timeout) {
            return Err(refusal);
        }
        (self.partial, self.more, self.cut) = (true, true, Some(refusal));
        Ok(())
    }
}

impl Walk<'_> {
    /// Complete and in order.
    pub(super) async fn filter(&self, newest_first: bool, offset: u32) -> Result<Found, Refusal> {
        let filter = self.filters.odata();
        let exact = self.filters.is_all_odata();
        let (top, skip) = if exact { (self.limit, offset) } else { (WIDE, 0) };
        let mut pass = if exact { 0 } else { offset };
        let question = Question::Filter { filter: &filter, newest_first, skip };
        let mut page: Page<Message> = self.page(question, top).await?;
        let (mut found, limit) = (Found::default(), self.limit as usize);
        for read in 1.. {
            for message in page.value.into_iter().filter(|message| self.filters.matches(message)) {
                if pass > 0 {
                    pass -= 1;
                } else if found.messages.len() == limit {
                    found.more = true;
                    return Ok(found);
                } else {
                    found.messages.push(message);
                }
            }
            let Some(next) = page.next else { break };
            if exact && found.messages.len() == limit {
                found.more = true;
                break;
            }
            if read == MAX_PAGES {
                found.partial = true;
                break;
            }
            page = match self.graph.next(&next).await {
                Ok(page) => page,
                Err(refusal) => {
                    found.cut_short(refusal)?;
                    break;
                }
            };
        }
        Ok(found)
    }

    /// Ranked by relevance.
    pub(super) async fn search(&self, query: &str, mut place: Place) -> Result<Found, Refusal> {
        let (mut found, limit) = (Found::default(), self.limit as usize);
        for read in 1.. {
            let question = Question::Search { kql: query, after: place.token.as_deref() };
            let page: Page<Message> = match self.page(question, RANKED).await {
                Ok(page) => page,
                Err(refusal) if read > 1 => {
                    found.cut_short(refusal)?;
                    found.next = Some(place);
                    break;
                }
                Err(refusal) => return Err(refusal),
            };
            let count = page.value.len();
            for (index, message) in page.value.into_iter().enumerate().skip(place.skip) {
                if !self.filters.matches(&message) {
                    continue;
                }
                if found.messages.len() == limit {
                    found.more = true;
                    found.next = Some(Place { token: place.token, skip: index });
                    return Ok(found);
                }
                found.messages.push(message);
            }
            let Some(token) = page.next.as_deref().and_then(skip_token) else { break };
            // A page that brings nothing and leads on to itself would never end.
            if count == 0 && place.token.as_ref() == Some(&token) {
                break;
            }
            place = Place { token: Some(token), skip: 0 };
            if found.messages.len() == limit || read == MAX_PAGES {
                found.partial = found.messages.len() < limit;
                found.more = true;
                found.next = Some(place);
                break;
            }
        }
        Ok(found)
    }

    async fn page(&self, question: Question<'_>, top: u32) -> Result<Page<Message>, Refusal> {
        let page = MessagePage { question, basics: self.basics, top };
        self.graph.read(&GraphRead::Messages { mailbox: self.mailbox, folder: self.folder, page }).await
    }
}

/// The `$skiptoken` of a next link. The link itself is not followed.
fn skip_token(link: &str) -> Option<String> {
    let link = Url::parse(link).ok()?;
    link.query_pairs().find(|(name, _)| name.eq_ignore_ascii_case("$skiptoken")).map(|(_, token)| token.into_owned())
}
