//! `/users`, `/users/$count`: filtered, searched, ordered, counted.

use bytes::Bytes;

use super::user::{self, Filtered, USER};
use super::{needs_eventual, page};
use crate::directory::User;
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::odata::filter::{Expr, Function, Op};
use crate::graph::odata::options::Kind;
use crate::graph::odata::record::{self, Record as _, Unfit, Value};
use crate::graph::route::Ask;
use crate::graph::view::View;

/// A page of users.
pub(super) fn list(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select, Kind::Top, Kind::Filter, Kind::OrderBy, Kind::Search, Kind::Count, Kind::SkipToken])?;
    let properties = user::properties(ask)?;
    let users = matching(view, ask)?;
    let (root, selection) = (&ask.root, crate::graph::mail::selection(ask));
    let mut out = super::document(&format!("{root}/$metadata#users{selection}"));
    page::write(&mut out, view, ask, users, |out, user| user::write(out, user, &properties, view.profile(user)))?;
    Ok(super::closed(out))
}

/// How many there are, as text.
pub(super) fn count(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Filter, Kind::Search])?;
    if !super::is_eventual(ask) {
        return Err(needs_eventual().into());
    }
    let users = matching(view, ask)?;
    Ok(Answer::bytes("text/plain", Bytes::from(users.len().to_string())))
}

/// The users that `$filter` and `$search` let through, in order.
fn matching<'a>(view: &View<'a>, ask: &Ask<'_>) -> Result<Vec<&'a User>, Refusal> {
    let options = &ask.options;
    let everybody = view.everybody()?;
    let is_advanced = options.has(Kind::Search)
        || options.has(Kind::Count)
        || (options.filter.is_some() && !options.order_by.is_empty())
        || options.filter.as_ref().is_some_and(needs_an_index);
    if is_advanced && !super::is_eventual(ask) {
        return Err(needs_eventual().into());
    }
    let bind = |filter| record::bind(filter, USER);
    let filter = options.filter.clone().map(bind).transpose().map_err(|error| unfit(ask, error))?;
    let orders = record::bind_orders(&options.order_by, USER).map_err(|error| unfit(ask, error))?;
    let terms = options
        .search
        .as_deref()
        .map(search)
        .transpose()
        .inspect_err(|_| ask.unmodelled("$search of users of this kind"))?;
    let mut found: Vec<Filtered<'a>> = everybody
        .map(|user| Filtered::of(view, user))
        .filter(|user| filter.as_ref().is_none_or(|filter| record::holds(filter, user)))
        .filter(|user| terms.as_ref().is_none_or(|terms| is_found(user, terms)))
        .collect();
    found.sort_by(|left, right| record::ordering(&orders, left, right));
    Ok(found.into_iter().map(|found| found.user).collect())
}

/// <https://learn.microsoft.com/graph/aad-advanced-queries#user-properties>: negations and suffixes.
fn needs_an_index(filter: &Expr) -> bool {
    match filter {
        Expr::And(left, right) | Expr::Or(left, right) => needs_an_index(left) || needs_an_index(right),
        Expr::Not(_) | Expr::All { .. } => true,
        Expr::Compare { op, .. } => *op == Op::Ne,
        Expr::Call { function, .. } => *function == Function::EndsWith,
        Expr::Any { test, .. } => test.as_ref().is_some_and(|(_, test)| needs_an_index(test)),
    }
}

fn unfit(ask: &Ask<'_>, error: Unfit) -> GraphError {
    let (Unfit::Unknown(name) | Unfit::Type(name)) = error;
    ask.unmodelled(format!("$filter or $orderby of this kind on {name:.40}"));
    GraphError::UnsupportedQuery(format!(
        "Unsupported or invalid query filter clause specified for property '{name}' of resource 'User'."
    ))
}

/// `"displayName:ann" OR "mail:ann"`: property and word, one of which must be found.
fn search(text: &str) -> Result<Vec<(&'static str, String)>, GraphError> {
    text.split(" OR ")
        .map(|clause| {
            let (name, word) = clause.trim().trim_matches('"').split_once(':')?;
            let name = ["displayName", "mail", "userPrincipalName", "givenName", "surname"]
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(name.trim()))?;
            let word = word.trim().to_lowercase();
            (!word.is_empty()).then_some((name, word))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| GraphError::UnsupportedQuery("The $search clause is not valid.".to_owned()))
}

/// Words match from their beginning: `$search` of the directory is over tokens, not over substrings.
fn is_found(user: &Filtered<'_>, terms: &[(&str, String)]) -> bool {
    terms.iter().any(|(name, word)| match user.value(name) {
        Value::Text(text) => {
            let text = text.to_lowercase();
            text.starts_with(word.as_str())
                || text.split(|letter: char| !letter.is_alphanumeric()).any(|token| token.starts_with(word.as_str()))
        }
        _ => false,
    })
}
