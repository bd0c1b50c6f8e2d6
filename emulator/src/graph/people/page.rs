//! One page of directory objects, and the link to the next: <https://learn.microsoft.com/graph/paging>.

use super::needs_eventual;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::json::{array, key, number, string};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::View;

const PAGE: usize = 100;
const LIMIT: usize = 999;

/// Writes `@odata.count` where it was asked for, `@odata.nextLink` where there are more, and `value`.
///
/// # Errors
///
/// A size out of range, a token of another caller or query, a count without `ConsistencyLevel: eventual`.
pub(super) fn write<T>(
    out: &mut Vec<u8>,
    view: &View<'_>,
    ask: &Ask<'_>,
    all: Vec<T>,
    mut each: impl FnMut(&mut Vec<u8>, T),
) -> Result<(), Refusal> {
    let options = &ask.options;
    if options.count && !super::is_eventual(ask) {
        return Err(needs_eventual().into());
    }
    let size = match options.top {
        Some(top) if top == 0 || top > LIMIT => {
            return Err(GraphError::UnsupportedQuery(format!(
                "Invalid page size specified: '{top}'. Must be between 1 and {LIMIT} inclusive."
            ))
            .into());
        }
        top => top.unwrap_or(PAGE),
    };
    let bound = ask.bound_query();
    let offset = match &options.skip_token {
        None => 0,
        Some(token) => ask.links.offset(view.principal(), &bound, token).ok_or_else(|| {
            GraphError::UnsupportedQuery("The specified page token value is not valid.".to_owned())
                .because("a next link of another caller or query, or not of this service")
        })?,
    };
    if options.count && offset == 0 {
        key(out, "@odata.count");
        number(out, all.len());
    }
    let end = offset.saturating_add(size);
    if all.len() > end {
        key(out, "@odata.nextLink");
        let token = ask.links.token(view.principal(), &bound, end);
        string(out, &ask.next(Kind::SkipToken, &token));
    }
    key(out, "value");
    array(out, all.into_iter().skip(offset).take(size), |out, one| {
        out.push(b'{');
        each(out, one);
        out.push(b'}');
    });
    Ok(())
}
