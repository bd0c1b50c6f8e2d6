//! `$filter`: text → expression.
//!
//! ```text
//! or      := and ( 'or' and )*            and   := unary ( 'and' unary )*
//! unary   := 'not' unary | '(' or ')' | call | path '/' ('any'|'all') '(' [ name ':' or ] ')' | operand op literal | path 'in' '(' … ')'
//! call    := ('contains'|'startswith'|'endswith') '(' operand ',' string ')' [ 'eq' bool ]
//! operand := path | 'tolower' '(' path ')' | 'toupper' '(' path ')'
//! ```
//! A path alone is a boolean property. Words compare without regard to case, as the real service does.

use std::fmt;

use jiff::Timestamp;

/// A filter expression.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::graph) enum Expr {
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Compare { left: Operand, op: Op, right: Literal },
    Call { function: Function, of: Operand, text: String },
    Any { collection: String, test: Option<(String, Box<Expr>)> },
    All { collection: String, test: (String, Box<Expr>) },
}

/// A property, perhaps in one letter case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::graph) struct Operand {
    pub(in crate::graph) path: String,
    pub(in crate::graph) is_folded: bool,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Op {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

/// A function over text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Function {
    Contains,
    StartsWith,
    EndsWith,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::graph) enum Literal {
    Text(String),
    Time(Timestamp),
    Bool(bool),
    Int(i64),
    Null,
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::graph) enum FilterError {
    #[error("Syntax error at position {0}.")]
    Syntax(usize),
    #[error("There is an unterminated string literal at position {0}.")]
    Unterminated(usize),
    #[error("The recursion limit of the filter has been exceeded.")]
    TooDeep,
}

/// How deep expressions may nest: the real limit is 100.
const DEPTH: usize = 100;

/// Reads a filter.
pub(in crate::graph) fn parse(text: &str) -> Result<Expr, FilterError> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, end: text.len(), depth: 0 };
    let expr = parser.or()?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.syntax()),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
    Colon,
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, FilterError> {
    let mut found = Vec::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let token = match letter {
            letter if letter.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            ':' => Token::Colon,
            '\'' => {
                let mut value = String::new();
                loop {
                    match letters.next() {
                        Some((_, '\'')) if letters.next_if(|(_, next)| *next == '\'').is_some() => value.push('\''),
                        Some((_, '\'')) => break,
                        Some((_, letter)) => value.push(letter),
                        None => return Err(FilterError::Unterminated(at)),
                    }
                }
                Token::Text(value)
            }
            letter => {
                let mut word = String::from(letter);
                let is_time = letter.is_ascii_digit() || letter == '-' || letter == '+';
                let ends = |next: char| {
                    next.is_whitespace() || matches!(next, '(' | ')' | ',' | '\'') || (next == ':' && !is_time)
                };
                while let Some((_, next)) = letters.next_if(|(_, next)| !ends(*next)) {
                    word.push(next);
                }
                Token::Word(word)
            }
        };
        found.push((at, token));
    }
    Ok(found)
}

struct Parser<'a> {
    tokens: &'a [(usize, Token)],
    at: usize,
    end: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn syntax(&self) -> FilterError {
        FilterError::Syntax(self.tokens.get(self.at).map_or(self.end, |(at, _)| *at))
    }

    fn expect(&mut self, token: &Token) -> Result<(), FilterError> {
        if self.peek() == Some(token) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.syntax())
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.at += usize::from(is_next);
        is_next
    }

    fn or(&mut self) -> Result<Expr, FilterError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(FilterError::TooDeep);
        }
        let mut left = self.and()?;
        while self.word("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, FilterError> {
        let mut left = self.unary()?;
        let mut length = 0;
        while self.word("and") {
            length += 1;
            if length > DEPTH {
                return Err(FilterError::TooDeep);
            }
            left = Expr::And(Box::new(left), Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, FilterError> {
        if self.word("not") {
            self.depth += 1;
            if self.depth > DEPTH {
                return Err(FilterError::TooDeep);
            }
            let inner = self.unary()?;
            self.depth -= 1;
            return Ok(Expr::Not(Box::new(inner)));
        }
        if self.peek() == Some(&Token::Open) {
            self.at += 1;
            let inner = self.or()?;
            self.expect(&Token::Close)?;
            return self.after_parentheses(inner);
        }
        for (name, function) in
            [("contains", Function::Contains), ("startswith", Function::StartsWith), ("endswith", Function::EndsWith)]
        {
            if self.word(name) {
                return self.call(function);
            }
        }
        self.comparison()
    }

    /// `(from/emailAddress/address) eq 'x'`: Microsoft's own samples put a property in parentheses.
    fn after_parentheses(&mut self, inner: Expr) -> Result<Expr, FilterError> {
        match inner {
            Expr::Compare { left, op: Op::Eq, right: Literal::Bool(true) } => match self.op() {
                Some(op) => Ok(Expr::Compare { left, op, right: self.literal()? }),
                None => Ok(Expr::Compare { left, op: Op::Eq, right: Literal::Bool(true) }),
            },
            other => Ok(other),
        }
    }

    fn op(&mut self) -> Option<Op> {
        [("eq", Op::Eq), ("ne", Op::Ne), ("gt", Op::Gt), ("ge", Op::Ge), ("lt", Op::Lt), ("le", Op::Le)]
            .into_iter()
            .find(|(word, _)| self.word(word))
            .map(|(_, op)| op)
    }

    fn call(&mut self, function: Function) -> Result<Expr, FilterError> {
        self.expect(&Token::Open)?;
        let of = self.operand()?;
        self.expect(&Token::Comma)?;
        let Some(Token::Text(text)) = self.next() else {
            self.at -= 1;
            return Err(self.syntax());
        };
        self.expect(&Token::Close)?;
        let call = Expr::Call { function, of, text };
        if !self.word("eq") {
            return Ok(call);
        }
        match self.literal()? {
            Literal::Bool(true) => Ok(call),
            Literal::Bool(false) => Ok(Expr::Not(Box::new(call))),
            _ => Err(self.syntax()),
        }
    }

    fn operand(&mut self) -> Result<Operand, FilterError> {
        for fold in ["tolower", "toupper"] {
            if self.word(fold) {
                self.expect(&Token::Open)?;
                let path = self.path()?;
                self.expect(&Token::Close)?;
                return Ok(Operand { path, is_folded: true });
            }
        }
        Ok(Operand { path: self.path()?, is_folded: false })
    }

    fn path(&mut self) -> Result<String, FilterError> {
        match self.peek() {
            Some(Token::Word(word))
                if word.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_') =>
            {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.syntax()),
        }
    }

    fn comparison(&mut self) -> Result<Expr, FilterError> {
        let left = self.operand()?;
        if let Some((collection, quantifier)) = left.path.rsplit_once('/')
            && self.peek() == Some(&Token::Open)
        {
            let (collection, quantifier) = (collection.to_owned(), quantifier.to_ascii_lowercase());
            return self.quantified(collection, &quantifier);
        }
        if self.word("in") {
            return self.members(&left);
        }
        match self.op() {
            Some(op) => Ok(Expr::Compare { left, op, right: self.literal()? }),
            None => Ok(Expr::Compare { left, op: Op::Eq, right: Literal::Bool(true) }),
        }
    }

    fn quantified(&mut self, collection: String, quantifier: &str) -> Result<Expr, FilterError> {
        self.expect(&Token::Open)?;
        if quantifier == "any" && self.peek() == Some(&Token::Close) {
            self.at += 1;
            return Ok(Expr::Any { collection, test: None });
        }
        let variable = self.path()?;
        self.expect(&Token::Colon)?;
        let test = (variable, Box::new(self.or()?));
        self.expect(&Token::Close)?;
        match quantifier {
            "any" => Ok(Expr::Any { collection, test: Some(test) }),
            "all" => Ok(Expr::All { collection, test }),
            _ => Err(self.syntax()),
        }
    }

    fn members(&mut self, left: &Operand) -> Result<Expr, FilterError> {
        self.expect(&Token::Open)?;
        let mut any: Option<Expr> = None;
        for _ in 0..DEPTH {
            let one = Expr::Compare { left: left.clone(), op: Op::Eq, right: self.literal()? };
            any = Some(match any {
                Some(others) => Expr::Or(Box::new(others), Box::new(one)),
                None => one,
            });
            match self.next() {
                Some(Token::Comma) => {}
                Some(Token::Close) => break,
                _ => {
                    self.at -= 1;
                    return Err(self.syntax());
                }
            }
        }
        any.ok_or_else(|| self.syntax())
    }

    fn literal(&mut self) -> Result<Literal, FilterError> {
        let literal = match self.peek() {
            Some(Token::Text(text)) => Literal::Text(text.clone()),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                "null" => Literal::Null,
                _ => time(word)
                    .map(Literal::Time)
                    .or_else(|| word.parse().ok().map(Literal::Int))
                    .ok_or_else(|| self.syntax())?,
            },
            _ => return Err(self.syntax()),
        };
        self.at += 1;
        Ok(literal)
    }
}

/// `2026-01-12T09:00:00Z`, with or without fractions, with any offset; a day alone is its beginning in UTC.
pub(in crate::graph) fn time(word: &str) -> Option<Timestamp> {
    if let Ok(instant) = word.parse() {
        return Some(instant);
    }
    let day: jiff::civil::Date = (word.len() == 10).then(|| word.parse().ok()).flatten()?;
    day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The properties a filter asks for, in the order in which they stand.
pub(in crate::graph) fn properties<'a>(expr: &'a Expr, found: &mut Vec<&'a str>) {
    match expr {
        Expr::And(left, right) | Expr::Or(left, right) => {
            properties(left, found);
            properties(right, found);
        }
        Expr::Not(inner) => properties(inner, found),
        Expr::Compare { left, .. } | Expr::Call { of: left, .. } => found.push(&left.path),
        Expr::Any { collection, .. } | Expr::All { collection, .. } => found.push(collection),
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(left, right) => write!(f, "({left} and {right})"),
            Self::Or(left, right) => write!(f, "({left} or {right})"),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Compare { left, op, right } => {
                let op = match op {
                    Op::Eq => "eq",
                    Op::Ne => "ne",
                    Op::Gt => "gt",
                    Op::Ge => "ge",
                    Op::Lt => "lt",
                    Op::Le => "le",
                };
                write!(f, "{left} {op} {right}")
            }
            Self::Call { function, of, text } => {
                let name = match function {
                    Function::Contains => "contains",
                    Function::StartsWith => "startswith",
                    Function::EndsWith => "endswith",
                };
                write!(f, "{name}({of},{})", Literal::Text(text.clone()))
            }
            Self::Any { collection, test: None } => write!(f, "{collection}/any()"),
            Self::Any { collection, test: Some((name, test)) } => write!(f, "{collection}/any({name}:{test})"),
            Self::All { collection, test: (name, test) } => write!(f, "{collection}/all({name}:{test})"),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_folded { write!(f, "tolower({})", self.path) } else { f.write_str(&self.path) }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Time(time) => write!(f, "{time}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_forms_that_clients_send() {
        for (text, printed) in [
            ("isRead eq false", "isRead eq false"),
            ("not isRead", "not (isRead eq true)"),
            (
                "receivedDateTime ge 2026-01-05T00:00:00Z and hasAttachments eq true",
                "(receivedDateTime ge 2026-01-05T00:00:00Z and hasAttachments eq true)",
            ),
            ("a eq 'x' or b eq 'y' and c eq 'z'", "(a eq 'x' or (b eq 'y' and c eq 'z'))"),
            ("contains(tolower(subject), 'it''s')", "contains(tolower(subject),'it''s')"),
            ("startsWith(subject,'Re:') eq false", "not (startswith(subject,'Re:'))"),
            (
                "toRecipients/any(r: r/emailAddress/address eq 'a@b')",
                "toRecipients/any(r:r/emailAddress/address eq 'a@b')",
            ),
            ("categories/any()", "categories/any()"),
            ("importance in ('high','low')", "(importance eq 'high' or importance eq 'low')"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), printed, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        assert_eq!(parse("subject eq 'x"), Err(FilterError::Unterminated(11)));
        assert_eq!(parse("subject eq"), Err(FilterError::Syntax(10)));
        assert_eq!(parse("subject eq 'x' )"), Err(FilterError::Syntax(15)));
        assert_eq!(parse(&"(".repeat(5000)), Err(FilterError::TooDeep));
        assert_eq!(parse(&"not ".repeat(5000)), Err(FilterError::TooDeep));
    }

    fn expr() -> impl Strategy<Value = Expr> {
        let literal = prop_oneof![
            ".*".prop_map(Literal::Text),
            any::<bool>().prop_map(Literal::Bool),
            any::<i64>().prop_map(Literal::Int),
            Just(Literal::Null),
            (0_i64..4_000_000_000).prop_map(|second| Literal::Time(Timestamp::from_second(second).unwrap())),
        ];
        let operand =
            ("p[a-z]{0,8}(/p[a-z]{1,5})?", any::<bool>()).prop_map(|(path, is_folded)| Operand { path, is_folded });
        let op = prop::sample::select(vec![Op::Eq, Op::Ne, Op::Gt, Op::Ge, Op::Lt, Op::Le]);
        let function = prop::sample::select(vec![Function::Contains, Function::StartsWith, Function::EndsWith]);
        let leaf = prop_oneof![
            (operand.clone(), op, literal).prop_map(|(left, op, right)| Expr::Compare { left, op, right }),
            (function, operand, ".*").prop_map(|(function, of, text)| Expr::Call { function, of, text }),
            Just(Expr::Any { collection: "categories".to_owned(), test: None }),
        ];
        leaf.prop_recursive(5, 24, 2, |inner| {
            let boxed = inner.prop_map(Box::new);
            prop_oneof![
                (boxed.clone(), boxed.clone()).prop_map(|(left, right)| Expr::And(left, right)),
                (boxed.clone(), boxed.clone()).prop_map(|(left, right)| Expr::Or(left, right)),
                boxed.clone().prop_map(Expr::Not),
                boxed
                    .clone()
                    .prop_map(|test| Expr::Any { collection: "to".to_owned(), test: Some(("r".to_owned(), test)) }),
                boxed.prop_map(|test| Expr::All { collection: "to".to_owned(), test: ("r".to_owned(), test) }),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_panics(text in ".*") {
            let _ = parse(&text);
        }

        #[test]
        fn nothing_panics_near_the_grammar(text in "((not |and |or |eq |ge |in |contains|any|\\(|\\)|,|:|'| |a/b|1|true){0,30})") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_printed_is_read_again(expr in expr()) {
            prop_assert_eq!(parse(&expr.to_string()), Ok(expr));
        }
    }
}
