//! Filters and orders over things with properties.
//!
//! A filter is bound to a schema first: unknown properties and wrong types are refused before anything is read. Text compares without
//! regard to case, as Exchange and the directory do.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::filter::{Expr, Function, Literal, Op, Operand};
use super::options::Order;
use crate::mailbox::Correspondent;

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Type {
    Text,
    Time,
    Bool,
    Texts,
    People,
}

/// The properties one may filter and order by; a name as the real service writes it.
pub(in crate::graph) type Schema = [(&'static str, Type)];

/// The value of a property.
#[derive(Debug, Clone, Copy)]
pub(in crate::graph) enum Value<'a> {
    Text(&'a str),
    Time(Timestamp),
    Bool(bool),
    Null,
    Texts(&'a [String]),
    People(&'a [Correspondent]),
}

/// A thing with properties.
pub(in crate::graph) trait Record {
    /// A property by its name in the schema.
    fn value(&self, name: &str) -> Value<'_>;
}

/// A filter that does not fit the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::graph) enum Unfit {
    /// No such property.
    Unknown(String),
    /// A comparison that makes no sense for its type.
    Type(String),
}

/// The filter with every property named as the schema has it.
pub(in crate::graph) fn bind(expr: Expr, schema: &Schema) -> Result<Expr, Unfit> {
    bind_in(expr, schema, &[])
}

const PERSON: &Schema = &[("emailAddress/address", Type::Text), ("emailAddress/name", Type::Text)];
/// A text in a collection is addressed by the variable alone.
const ITSELF: &Schema = &[("", Type::Text)];

fn bind_in(expr: Expr, schema: &Schema, variables: &[(String, &'static Schema)]) -> Result<Expr, Unfit> {
    let bind_box = |inner: Box<Expr>| bind_in(*inner, schema, variables).map(Box::new);
    Ok(match expr {
        Expr::And(left, right) => Expr::And(bind_box(left)?, bind_box(right)?),
        Expr::Or(left, right) => Expr::Or(bind_box(left)?, bind_box(right)?),
        Expr::Not(inner) => Expr::Not(bind_box(inner)?),
        Expr::Compare { left, op, right } => {
            let (path, kind) = resolve(&left.path, schema, variables)?;
            let right = fitting(right, kind, op).ok_or_else(|| Unfit::Type(left.path.clone()))?;
            Expr::Compare { left: Operand { path, ..left }, op, right }
        }
        Expr::Call { function, of, text } => {
            let (path, kind) = resolve(&of.path, schema, variables)?;
            if kind != Type::Text {
                return Err(Unfit::Type(of.path));
            }
            Expr::Call { function, of: Operand { path, ..of }, text: text.to_lowercase() }
        }
        Expr::Any { collection, test } => {
            let (collection, element) = resolve_collection(&collection, schema)?;
            let test = test.map(|(name, test)| bind_test(name, *test, element)).transpose()?;
            Expr::Any { collection, test }
        }
        Expr::All { collection, test: (name, test) } => {
            let (collection, element) = resolve_collection(&collection, schema)?;
            Expr::All { collection, test: bind_test(name, *test, element)? }
        }
    })
}

/// Inside a quantifier the variable alone can be asked for.
fn bind_test(name: String, test: Expr, element: &'static Schema) -> Result<(String, Box<Expr>), Unfit> {
    let bound = bind_in(test, &[], &[(name.clone(), element)])?;
    Ok((name, Box::new(bound)))
}

fn resolve(path: &str, schema: &Schema, variables: &[(String, &'static Schema)]) -> Result<(String, Type), Unfit> {
    for (name, element) in variables {
        let rest = if path.eq_ignore_ascii_case(name) {
            ""
        } else {
            match path.split_once('/') {
                Some((first, rest)) if first.eq_ignore_ascii_case(name) => rest,
                _ => continue,
            }
        };
        return find(rest, element).ok_or_else(|| Unfit::Unknown(path.to_owned()));
    }
    find(path, schema).ok_or_else(|| Unfit::Unknown(path.to_owned()))
}

fn resolve_collection(path: &str, schema: &Schema) -> Result<(String, &'static Schema), Unfit> {
    match find(path, schema) {
        Some((name, Type::Texts)) => Ok((name, ITSELF)),
        Some((name, Type::People)) => Ok((name, PERSON)),
        Some(_) => Err(Unfit::Type(path.to_owned())),
        None => Err(Unfit::Unknown(path.to_owned())),
    }
}

fn find(path: &str, schema: &Schema) -> Option<(String, Type)> {
    schema.iter().find(|(name, _)| name.eq_ignore_ascii_case(path)).map(|(name, kind)| ((*name).to_owned(), *kind))
}

fn fitting(literal: Literal, kind: Type, op: Op) -> Option<Literal> {
    let is_equality = matches!(op, Op::Eq | Op::Ne);
    match (kind, literal) {
        (Type::Text, Literal::Text(text)) => Some(Literal::Text(text.to_lowercase())),
        (Type::Time, Literal::Time(time)) => Some(Literal::Time(time)),
        (Type::Time, Literal::Text(text)) => super::filter::time(&text).map(Literal::Time),
        (Type::Bool, Literal::Bool(value)) if is_equality => Some(Literal::Bool(value)),
        (Type::Text | Type::Time, Literal::Null) if is_equality => Some(Literal::Null),
        _ => None,
    }
}

/// Whether the record satisfies a bound filter.
pub(in crate::graph) fn holds(expr: &Expr, record: &impl Record) -> bool {
    holds_with(expr, &|name| record.value(name))
}

fn holds_with(expr: &Expr, value: &Lookup<'_>) -> bool {
    match expr {
        Expr::And(left, right) => holds_with(left, value) && holds_with(right, value),
        Expr::Or(left, right) => holds_with(left, value) || holds_with(right, value),
        Expr::Not(inner) => !holds_with(inner, value),
        Expr::Compare { left, op, right } => compares(value(&left.path), *op, right),
        Expr::Call { function, of, text } => match value(&of.path) {
            Value::Text(of) => {
                let of = of.to_lowercase();
                match function {
                    Function::Contains => of.contains(text.as_str()),
                    Function::StartsWith => of.starts_with(text.as_str()),
                    Function::EndsWith => of.ends_with(text.as_str()),
                }
            }
            _ => false,
        },
        Expr::Any { collection, test } => match test {
            None => !matches!(value(collection), Value::Texts([]) | Value::People([]) | Value::Null),
            Some((_, test)) => elements(value(collection), &mut |element| holds_with(test, element), true),
        },
        Expr::All { collection, test: (_, test) } => {
            !elements(value(collection), &mut |element| !holds_with(test, element), true)
        }
    }
}

/// Properties by name.
type Lookup<'a> = dyn Fn(&str) -> Value<'a> + 'a;

/// Whether `wanted` comes of the test for any element.
fn elements<'a>(of: Value<'a>, test: &mut dyn FnMut(&Lookup<'a>) -> bool, wanted: bool) -> bool {
    match of {
        Value::Texts(texts) => texts.iter().any(|text| test(&|_| Value::Text(text)) == wanted),
        Value::People(people) => people.iter().any(|person| {
            test(&|name| match name {
                "emailAddress/address" => Value::Text(&person.address),
                "emailAddress/name" => Value::Text(&person.name),
                _ => Value::Null,
            }) == wanted
        }),
        _ => false,
    }
}

fn compares(left: Value<'_>, op: Op, right: &Literal) -> bool {
    let ordering = match (left, right) {
        (Value::Text(left), Literal::Text(right)) => left.to_lowercase().as_str().cmp(right),
        (Value::Time(left), Literal::Time(right)) => left.cmp(right),
        (Value::Bool(left), Literal::Bool(right)) => left.cmp(right),
        (Value::Null, Literal::Null) => Ordering::Equal,
        // What is not there differs from everything and stands in no order.
        _ => return op == Op::Ne,
    };
    match op {
        Op::Eq => ordering.is_eq(),
        Op::Ne => ordering.is_ne(),
        Op::Gt => ordering.is_gt(),
        Op::Ge => ordering.is_ge(),
        Op::Lt => ordering.is_lt(),
        Op::Le => ordering.is_le(),
    }
}

/// `$orderby` with every property named as the schema has it.
pub(in crate::graph) fn bind_orders(orders: &[Order], schema: &Schema) -> Result<Vec<Order>, Unfit> {
    orders
        .iter()
        .map(|order| match find(&order.path, schema) {
            Some((path, Type::Text | Type::Time | Type::Bool)) => Ok(Order { path, descending: order.descending }),
            Some(_) => Err(Unfit::Type(order.path.clone())),
            None => Err(Unfit::Unknown(order.path.clone())),
        })
        .collect()
}

/// How two records stand to each other under bound orders.
pub(in crate::graph) fn ordering(orders: &[Order], left: &impl Record, right: &impl Record) -> Ordering {
    orders.iter().fold(Ordering::Equal, |so_far, order| {
        so_far.then_with(|| {
            let ordering = match (left.value(&order.path), right.value(&order.path)) {
                (Value::Text(left), Value::Text(right)) => left.to_lowercase().cmp(&right.to_lowercase()),
                (Value::Time(left), Value::Time(right)) => left.cmp(&right),
                (Value::Bool(left), Value::Bool(right)) => left.cmp(&right),
                (Value::Null, Value::Null) => Ordering::Equal,
                (Value::Null, _) => Ordering::Less,
                (_, Value::Null) => Ordering::Greater,
                _ => Ordering::Equal,
            };
            if order.descending { ordering.reverse() } else { ordering }
        })
    })
}
