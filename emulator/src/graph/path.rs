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
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { segments: by_path(segments) })
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
            if let Some(function) = part.strip_suffix("(q='{text}')") {
                let (name, text) = query_of(segment)?;
                if !function.eq_ignore_ascii_case(name) {
                    return None;
                }
                keys.push(text);
            } else if part.starts_with('{') {
                if is_function(segment) {
                    return None;
                }
                // A key before a colon; a path between two of them has lost its own.
                let is_named = part.ends_with(':') && part != "{path}:";
                keys.push(if is_named { segment.strip_suffix(':')? } else { segment }.to_owned());
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

    /// Each of them, decoded.
    pub(super) fn all(&self) -> &'a [Cow<'a, str>] {
        self.0
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

/// Makes one segment of the path that stands between colons: `root:`, `a`, `b:`, `children` is `root:`, `a/b`, `children`. A colon with no
/// path after it says nothing. <https://learn.microsoft.com/graph/onedrive-addressing-driveitems>
fn by_path(segments: Vec<Cow<'_, str>>) -> Vec<Cow<'_, str>> {
    let mut all: Vec<Cow<'_, str>> = Vec::with_capacity(segments.len());
    let mut rest = segments.into_iter();
    while let Some(segment) = rest.next() {
        let before = all.last();
        let holds = |names: &[&str]| before.is_some_and(|name| names.iter().any(|of| name.eq_ignore_ascii_case(of)));
        let begins =
            segment.ends_with(':') && (segment.eq_ignore_ascii_case("root:") || holds(&["items", "sites", "special"]));
        if !begins {
            all.push(segment);
            continue;
        }
        let mut path = String::new();
        for part in rest.by_ref() {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(part.trim_end_matches(':'));
            if part.ends_with(':') {
                break;
            }
        }
        if path.is_empty() {
            all.push(Cow::Owned(segment.trim_end_matches(':').to_owned()));
        } else {
            all.extend([segment, Cow::Owned(path)]);
        }
    }
    all
}

/// `search(q='text')`, taken apart; the name may be qualified.
fn query_of(segment: &str) -> Option<(&str, String)> {
    let (name, rest) = segment.split_once('(')?;
    let (parameter, text) = rest.strip_suffix(')')?.split_once('=')?;
    let text = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let name = name.rsplit('.').next().unwrap_or(name);
    parameter.trim().eq_ignore_ascii_case("q").then(|| (name, text.replace("''", "'")))
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
    fn paths_stand_between_colons() {
        let found = |path| keys(path, "/me/drive/root:/{path}:/children");
        assert_eq!(found("/me/drive/root:/a/b%20c:/children"), Some(vec!["a/b c".to_owned()]));
        assert_eq!(found("/me/drive/root/children"), None);
        let itself = |path| keys(path, "/me/drive/root:/{path}");
        assert_eq!(itself("/me/drive/root:/a/b.txt"), Some(vec!["a/b.txt".to_owned()]));
        assert_eq!(itself("/me/drive/root:/a/b.txt:"), Some(vec!["a/b.txt".to_owned()]));
        assert_eq!(keys("/me/drive/root:/", "/me/drive/root"), Some(Vec::new()));
        assert_eq!(keys("/me/drive/root::/children", "/me/drive/root/children"), None);
        let site = |path| keys(path, "/sites/{hostname}:/{path}:/drive");
        let expected = Some(vec!["contoso.sharepoint.example".to_owned(), "sites/finance".to_owned()]);
        assert_eq!(site("/sites/contoso.sharepoint.example:/sites/finance:/drive"), expected);
        assert_eq!(keys("/sites/a/lists", "/sites/{hostname}:/{path}"), None);
        let twice =
            keys("/sites/a:/b:/drive/root:/c/d:/children", "/sites/{hostname}:/{path}:/drive/root:/{path}:/children");
        assert_eq!(twice, Some(vec!["a".to_owned(), "b".to_owned(), "c/d".to_owned()]));
        let search = |path| keys(path, "/me/drive/search(q='{text}')");
        assert_eq!(search("/me/drive/search(q='O''Neill%20%2F')"), Some(vec!["O'Neill /".to_owned()]));
        assert_eq!(search("/me/drive/microsoft.graph.search(q='')"), Some(vec![String::new()]));
        assert_eq!(search("/me/drive/search(q=x)"), None);
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
