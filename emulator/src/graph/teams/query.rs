//! What Teams takes of a query, and in which words it refuses the rest.

use jiff::Timestamp;

use super::super::error::{GraphError, Refusal};
use super::super::odata::filter::{Expr, Literal, Op};
use super::super::odata::options::Kind;
use super::super::route::Ask;
use super::super::view::View;
use crate::graph::json::{key, number, string};
use crate::teams::Message;

/// Refuses options that a collection does not take.
pub(super) fn only(ask: &Ask<'_>, allowed: &[Kind]) -> Result<(), Refusal> {
    if let Some(beyond) = ask.options.beyond(allowed) {
        let name = beyond.as_str().trim_start_matches('$');
        let mut letters = name.chars();
        let name: String = letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect();
        return Err(GraphError::BadRequest(format!(
            "Query option '{name}' is not allowed. To allow it, set the 'AllowedQueryOptions' property on EnableQueryAttribute or QueryValidationSettings."
        ))
        .into());
    }
    ask.only(allowed)?;
    Ok(())
}

/// `$top` between 1 and `most`.
pub(super) fn size(ask: &Ask<'_>, default: usize, most: usize) -> Result<usize, Refusal> {
    match ask.options.top {
        None => Ok(default),
        Some(top) if top > most => Err(GraphError::BadRequest(format!(
            "The query specified in the URI is not valid. The limit of '{most}' for Top query has been exceeded. The value from the incoming request is '{top}'."
        ))
        .into()),
        Some(0) => Err(GraphError::BadRequest(format!(
            "Invalid page size specified: '0'. Must be between 1 and {most} inclusive."
        ))
        .into()),
        Some(top) => Ok(top),
    }
}

/// One page of `all`, and the link to the next.
pub(super) fn page<T>(
    view: &View<'_>,
    ask: &Ask<'_>,
    all: impl Iterator<Item = T>,
    size: usize,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let bound = ask.bound_query();
    let offset = match &ask.options.skip_token {
        None => 0,
        Some(token) => ask.links.offset(view.principal(), &bound, token).ok_or_else(|| {
            GraphError::BadRequest("The $skiptoken does not belong to this query.".to_owned())
                .because("a next link of another caller or query, or not of this service")
        })?,
    };
    let mut items: Vec<T> = all.skip(offset).take(size.saturating_add(1)).collect();
    let next = (items.len() > size).then(|| {
        let token = ask.links.token(view.principal(), &bound, offset.saturating_add(size));
        ask.next(Kind::SkipToken, &token)
    });
    items.truncate(size);
    Ok((items, next))
}

/// A collection: context, the count of this page, items, the next link.
pub(super) fn collection<T>(
    context: &str,
    items: &[T],
    next: Option<&str>,
    mut write: impl FnMut(&mut Vec<u8>, &T),
) -> Vec<u8> {
    let mut out = vec![b'{'];
    key(&mut out, "@odata.context");
    string(&mut out, context);
    key(&mut out, "@odata.count");
    number(&mut out, items.len());
    if let Some(next) = next {
        key(&mut out, "@odata.nextLink");
        string(&mut out, next);
    }
    key(&mut out, "value");
    crate::graph::json::array(&mut out, items, |out, item| write(out, item));
    out.push(b'}');
    out
}

/// The two times of a message that one may sort and filter by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    Created,
    Modified,
}

impl Time {
    fn named(path: &str) -> Option<Self> {
        [("createdDateTime", Self::Created), ("lastModifiedDateTime", Self::Modified)]
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(path))
            .map(|(_, time)| time)
    }

    pub(super) fn of(self, message: &Message) -> Timestamp {
        match self {
            Self::Created => message.created,
            Self::Modified => message.modified,
        }
    }
}

/// `$orderby` of chat messages: one of two times, descending.
///
/// <https://learn.microsoft.com/graph/api/chat-list-messages#optional-query-parameters>
pub(super) fn order(ask: &Ask<'_>) -> Result<Time, Refusal> {
    match ask.options.order_by.as_slice() {
        [] => Ok(Time::Modified),
        [order] => match (Time::named(&order.path), order.descending) {
            (Some(time), true) => Ok(time),
            (Some(_), false) => Err(GraphError::BadRequest(format!(
                "QueryOptions to order by '{}' in 'Ascending' direction is not supported.",
                order.path
            ))
            .into()),
            (None, _) => {
                Err(GraphError::BadRequest(format!("QueryOptions to order by '{}' is not supported.", order.path))
                    .into())
            }
        },
        _ => {
            Err(GraphError::BadRequest("QueryOptions to order by more than one property is not supported.".to_owned())
                .into())
        }
    }
}

/// What of `$filter` holds: bounds on the time that `$orderby` names; a filter on another property is ignored, as the real service does.
pub(super) fn bounds(ask: &Ask<'_>, order: Time) -> Result<Vec<(Op, Timestamp)>, Refusal> {
    let mut found = Vec::new();
    if let Some(filter) = &ask.options.filter {
        bound(filter, &mut found)?;
    }
    let is_ordered = !ask.options.order_by.is_empty();
    Ok(found.into_iter().filter(|(time, ..)| is_ordered && *time == order).map(|(_, op, at)| (op, at)).collect())
}

fn bound(filter: &Expr, found: &mut Vec<(Time, Op, Timestamp)>) -> Result<(), Refusal> {
    match filter {
        Expr::And(left, right) => {
            bound(left, found)?;
            bound(right, found)
        }
        Expr::Compare { left, op, right } => {
            let kind = match op {
                Op::Eq => "Equal",
                Op::Ne => "NotEqual",
                Op::Gt => "GreaterThan",
                Op::Ge => "GreaterThanOrEqual",
                Op::Lt => "LessThan",
                Op::Le => "LessThanOrEqual",
            };
            match (Time::named(&left.path), op, right) {
                (Some(time @ Time::Modified), Op::Gt | Op::Lt, Literal::Time(at))
                | (Some(time @ Time::Created), Op::Lt, Literal::Time(at)) => {
                    found.push((time, *op, *at));
                    Ok(())
                }
                _ => Err(GraphError::BadRequest(format!(
                    "The entity property '{}' and operationKind '{kind}' is not allowed in $filter query.",
                    left.path
                ))
                .into()),
            }
        }
        _ => Err(GraphError::BadRequest("The query specified in the URI is not valid.".to_owned()).into()),
    }
}

/// Whether a message lies within all bounds.
pub(super) fn within(bounds: &[(Op, Timestamp)], at: Timestamp) -> bool {
    bounds.iter().all(|(op, bound)| if *op == Op::Gt { at > *bound } else { at < *bound })
}
