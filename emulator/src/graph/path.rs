//! Graph's own path grammar.
//!
//! Segments are compared without regard to letter case, keys with it. A key stands in a segment of its own (`mailFolders/inbox`) or in
//! parentheses (`mailFolders('inbox')`), a quote inside it doubled. Empty segments count for nothing: the Python SDK sends `/v1.0//me`.
//! Percent-encoding is undone once, per segment, so an encoded slash never separates.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::route::Owner;

/// A path, split and decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path<'a> {
    segments: Vec<Cow<'a, str>>,
}

/// A path whose percent-encoding is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the path is not valid")]
pub(super) struct PathError;

impl<'a> Path<'a> {
    pub(super) fn parse(path: &'a str) -> Result<Self, PathError> {
        let segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8().map_err(|_| PathError))
            .collect::<Result<_, _>>()?;
        Ok(Self { segments })
    }

    /// All of it.
    pub(super) fn segments(&self) -> Segments<'_> {
        Segments(&self.segments)
    }

    /// Takes the version off the front.
    pub(super) fn version(&mut self) -> Option<String> {
        (!self.segments.is_empty()).then(|| self.segments.remove(0).into_owned())
    }

    /// Whose thing it names, and the rest.
    pub(super) fn owner(&self) -> (Owner, Segments<'_>) {
        match self.segments.as_slice() {
            [me, rest @ ..] if me.eq_ignore_ascii_case("me") => (Owner::Caller, Segments(rest)),
            [users, key, rest @ ..] if users.eq_ignore_ascii_case("users") && !is_function(key) => {
                (Owner::Named(key.clone().into_owned()), Segments(rest))
            }
            [users, rest @ ..] => match in_parentheses(users) {
                Some((name, key)) if name.eq_ignore_ascii_case("users") => (Owner::Named(key), Segments(rest)),
                _ => (Owner::Nobody, self.segments()),
            },
            [] => (Owner::Nobody, self.segments()),
        }
    }
}

/// Some segments of a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segments<'a>(&'a [Cow<'a, str>]);

impl<'a> Segments<'a> {
    /// The keys, if this is an address of the template's shape, for example `/messages/{id}`.
    pub(super) fn keys(&self, template: &str) -> Option<Vec<String>> {
        let mut keys = Vec::new();
        let mut segments = self.0.iter();
        let mut parts = template.split('/').filter(|part| !part.is_empty());
        while let Some(part) = parts.next() {
            let segment = segments.next()?;
            if part.starts_with('{') {
                if is_function(segment) {
                    return None;
                }
                keys.push(segment.clone().into_owned());
            } else if !part.eq_ignore_ascii_case(segment) {
                let (name, key) = in_parentheses(segment)?;
                if !part.eq_ignore_ascii_case(name) || !parts.next()?.starts_with('{') {
                    return None;
                }
                keys.push(key);
            }
        }
        segments.next().is_none().then_some(keys)
    }

    /// The function or cast that the path ends in.
    pub(super) fn function(&self) -> Option<&'a str> {
        self.0.last().map(AsRef::as_ref).filter(|last| is_function(last))
    }

    /// A segment by its place, counted from 0, without what stands in parentheses.
    pub(super) fn name(&self, at: usize) -> Option<&'a str> {
        let segment = self.0.get(at)?;
        Some(in_parentheses(segment).map_or(segment.as_ref(), |(name, _)| name))
    }
}

/// Whether a segment calls something and is therefore no key: `delta`, `microsoft.graph.delta()`, `$count`.
pub(super) fn is_function(segment: &str) -> bool {
    let name = segment.strip_suffix("()").unwrap_or(segment);
    name.starts_with('$')
        || name.eq_ignore_ascii_case("delta")
        || name.to_ascii_lowercase().starts_with("microsoft.graph.")
}

/// `name('key')` or `name(key)`, taken apart.
fn in_parentheses(segment: &str) -> Option<(&str, String)> {
    let (name, rest) = segment.split_once('(')?;
    let inside = rest.strip_suffix(')')?;
    let key = match inside.strip_prefix('\'') {
        Some(quoted) => quoted.strip_suffix('\'')?.replace("''", "'"),
        None => inside.to_owned(),
    };
    (!name.is_empty()).then_some((name, key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(path: &str, template: &str) -> Option<Vec<String>> {
        Path::parse(path).unwrap().segments().keys(template)
    }

    #[test]
    fn keys_stand_in_segments_or_in_parentheses() {
        let folder = Some(vec!["Inbox".to_owned()]);
        assert_eq!(keys("/me/mailFolders/Inbox/messages", "/me/mailFolders/{id}/messages"), folder);
        assert_eq!(keys("/ME/mailfolders('Inbox')//MESSAGES", "/me/mailFolders/{id}/messages"), folder);
        assert_eq!(keys("/me/mailFolders(Inbox)/messages/", "/me/mailFolders/{id}/messages"), folder);
        assert_eq!(keys("/me/mailFolders('O''Neill')", "/me/mailFolders/{id}"), Some(vec!["O'Neill".to_owned()]));
        assert_eq!(keys("/me/messages", "/me/messages/{id}"), None);
        for function in ["delta", "Delta()", "microsoft.graph.delta()", "$count"] {
            assert_eq!(keys(&format!("/me/messages/{function}"), "/me/messages/{id}"), None, "{function}");
        }
        assert_eq!(keys("/me/messages/a/b", "/me/messages/{id}"), None);
    }

    #[test]
    fn percent_encoding_is_undone_once_and_never_separates() {
        assert_eq!(keys("/me/messages/a%2Fb", "/me/messages/{id}"), Some(vec!["a/b".to_owned()]));
        assert_eq!(keys("/me/messages/a%252Fb%3D", "/me/messages/{id}"), Some(vec!["a%2Fb=".to_owned()]));
        assert_eq!(Path::parse("/me/%ff"), Err(PathError));
    }

    proptest! {
        #[test]
        fn nothing_panics(path in ".*", template in prop::sample::select(vec!["/me", "/users/{id}/mailFolders/{id}", "/a/{b}"])) {
            if let Ok(path) = Path::parse(&path) {
                let _ = path.segments().keys(template);
                let _ = path.owner().1.name(0);
            }
        }

        #[test]
        fn any_key_arrives_as_it_was(key in "[^/]{1,40}") {
            prop_assume!(!is_function(&key));
            let encoded = percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC).to_string();
            prop_assert_eq!(keys(&format!("/me/messages/{encoded}/$value"), "/me/messages/{id}/$value"), Some(vec![key.clone()]));
            let quoted = percent_encoding::utf8_percent_encode(&key.replace('\'', "''"), percent_encoding::NON_ALPHANUMERIC).to_string();
            prop_assert_eq!(keys(&format!("/me/messages('{quoted}')/$value"), "/me/messages/{id}/$value"), Some(vec![key]));
        }
    }
}
