//! What the directory's denials are called on the wire.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;

use super::EntraError;
use crate::directory::{Denial, Unmet};

/// What a denial was about: the names its text mentions.
pub(crate) struct About<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) client: &'a fixtures::plan::Registration,
    pub(crate) resource: &'a fixtures::plan::Registration,
    pub(crate) issued_at: Timestamp,
}

impl EntraError {
    /// What the directory's denial is called on the wire.
    pub(crate) fn of(denial: Denial, about: &About<'_>) -> Self {
        let client = || about.client.app_id.to_string();
        let resource = || about.resource.app_id.to_string();
        match denial {
            Denial::UserUnknown => Self::UserNotFound(about.tenant.to_owned()),
            Denial::UserDisabled => Self::UserDisabled,
            Denial::SessionsRevoked { since } => Self::SessionsRevoked {
                issued: about.issued_at.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string(),
                valid_from: since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            },
            Denial::ClientUnknown => Self::AppNotFound { app: client(), tenant: about.tenant.to_owned() },
            Denial::ClientDisabled => Self::AppDisabled(client()),
            Denial::ResourceUnknown => Self::ResourceNotFound { resource: resource(), tenant: about.tenant.to_owned() },
            Denial::ResourceDisabled => Self::ResourceDisabled(resource()),
            Denial::NotAssigned { app } => {
                let named = if app == about.client.app_id { about.client } else { about.resource };
                Self::NotAssigned { app: app.to_string(), app_name: named.display_name.clone() }
            }
            Denial::ScopeUnknown { scope } => Self::ScopeUnknown { app: client(), scope, resource: resource() },
            Denial::AccessConditions { policy, unmet } => {
                let resource = about.resource.app_id.to_string();
                let claims =
                    json!({ "access_token": { "capolids": { "essential": true, "values": [policy] } } }).to_string();
                match unmet {
                    Unmet::Blocked => Self::AccessBlocked { claims },
                    Unmet::SecondFactor => Self::SecondFactorRequired { resource, claims },
                    Unmet::SecondFactorUnregistered => Self::SecondFactorEnrollment { resource, claims },
                    Unmet::DeviceNotCompliant => Self::DeviceNotCompliant { claims },
                    Unmet::DeviceUnmanaged => Self::DeviceUnmanaged { claims },
                    Unmet::SignInTooOld(age) => Self::SignInTooOld {
                        issued: about.issued_at.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string(),
                        seconds: age.as_secs(),
                    },
                }
            }
            Denial::ConsentMissing { scopes } => {
                tracing::debug!(missing = ?BTreeSet::from_iter(&scopes), "consent is missing");
                Self::ConsentRequired { app: client(), app_name: about.client.display_name.clone() }
            }
        }
    }
}
