//! App registrations: the global side of applications, which no tenant owns alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use fixtures::Plan;
use fixtures::ids::AppId;
use fixtures::plan::Registration;
use jiff::SignedDuration;
use sha2::{Digest as _, Sha256};

/// All registrations, by application id.
#[derive(Debug, Clone, Default)]
pub struct Apps {
    by_id: BTreeMap<AppId, Arc<Registration>>,
}

impl Apps {
    /// The registrations of a plan, the dates of their secrets moved by `shift`.
    pub fn of(plan: &Plan, shift: SignedDuration) -> Self {
        let moved = |app: &Registration| {
            let mut app = app.clone();
            for end in app.secrets.iter_mut().filter_map(|secret| secret.expires.as_mut()) {
                *end = end.saturating_add(shift).unwrap_or(*end);
            }
            app
        };
        let by_id = plan.registrations.iter().map(|app| (app.app_id, Arc::new(moved(app)))).collect();
        Self { by_id }
    }

    /// A registration by application id.
    pub fn get(&self, id: AppId) -> Option<&Arc<Registration>> {
        self.by_id.get(&id)
    }

    /// All of them, by application id.
    pub fn all(&self) -> impl Iterator<Item = &Registration> {
        self.by_id.values().map(Arc::as_ref)
    }

    pub(crate) fn put(&mut self, registration: Registration) {
        self.by_id.insert(registration.app_id, Arc::new(registration));
    }

    pub(crate) fn remove(&mut self, id: AppId) -> Option<Arc<Registration>> {
        self.by_id.remove(&id)
    }

    /// A hash over everything in them.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(format!("{:?}", self.by_id)).into()
    }
}
