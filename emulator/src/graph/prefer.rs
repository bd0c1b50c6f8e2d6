//! The `Prefer` header, and what is said of it in `Preference-Applied`.
//!
//! <https://learn.microsoft.com/graph/api/message-get>, <https://learn.microsoft.com/graph/outlook-immutable-id>

use http::HeaderMap;

use super::exchange_id::IdType;
use crate::mailbox::BodyKind;

/// What the caller prefers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefer {
    pub(super) body: Option<BodyKind>,
    /// The form of the ids of Exchange items.
    pub(super) ids: IdType,
    pub(super) page_size: Option<usize>,
    /// `outlook.timezone`, as sent.
    pub(super) zone: Option<String>,
    /// Preferences that are not modelled.
    pub(super) unknown: Vec<String>,
}

impl Prefer {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut prefer = Self { body: None, ids: IdType::Ordinary, page_size: None, zone: None, unknown: Vec::new() };
        for value in headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()) {
            for preference in value.split([',', ';']).map(str::trim).filter(|preference| !preference.is_empty()) {
                prefer.read(preference);
            }
        }
        prefer
    }

    fn read(&mut self, preference: &str) {
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        let value = value.trim().trim_matches('"');
        match (name.trim().to_ascii_lowercase().as_str(), value.to_ascii_lowercase().as_str()) {
            ("outlook.body-content-type", "text") => self.body = Some(BodyKind::Text),
            ("outlook.body-content-type", "html") => self.body = Some(BodyKind::Html),
            ("idtype", "immutableid") => self.ids = IdType::Immutable,
            ("odata.maxpagesize", size) if size.parse::<usize>().is_ok() => self.page_size = size.parse().ok(),
            ("outlook.timezone", _) => self.zone = Some(value.to_owned()),
            // Without effect here: no evolvable enums, no scripts taken out.
            (
                "outlook.allow-unsafe-html"
                | "include-unknown-enum-members"
                | "idtype"
                | "odata.include-annotations"
                | "return"
                | "respond-async"
                // Read where sharing links are.
                | "redeemsharinglink"
                | "redeemsharinglinkifnecessary",
                _,
            ) => {}
            (name, _) => self.unknown.push(format!("Prefer: {name}")),
        }
    }

    /// The form of bodies.
    pub(super) fn body_kind(&self) -> BodyKind {
        self.body.unwrap_or(BodyKind::Html)
    }

    /// The same where times are answered in a zone.
    pub(super) fn applied_with_zone(&self) -> Option<String> {
        let zone = self.zone.as_ref().map(|zone| format!("outlook.timezone=\"{zone}\""));
        match (zone, self.applied()) {
            (Some(zone), Some(others)) => Some(format!("{zone}, {others}")),
            (zone, others) => zone.or(others),
        }
    }

    /// `Preference-Applied`.
    pub(super) fn applied(&self) -> Option<String> {
        let mut applied = Vec::new();
        if let Some(body) = self.body {
            applied.push(format!("outlook.body-content-type=\"{}\"", body.as_str()));
        }
        if self.ids == IdType::Immutable {
            applied.push("IdType=\"ImmutableId\"".to_owned());
        }
        (!applied.is_empty()).then(|| applied.join(", "))
    }
}
