//! `urn:ietf:params:oauth:grant-type:device_code`: the device asks whether somebody let it in.

use jiff::SignedDuration;

use super::{Accepted, Asked, EntraError, is_public};
use crate::directory::Credential;
use crate::entra::device::INTERVAL_SECONDS;
use crate::entra::rules::Way;
use crate::entra::store::{Device, DeviceState, Holder};

pub(super) fn redeem(asked: &Asked<'_>) -> Result<Accepted, EntraError> {
    // The older endpoint calls it `code`.
    let value = match asked.form.get("device_code") {
        Some(value) => value,
        None => asked.form.get("code").ok_or(EntraError::ParameterMissing("device_code"))?,
    };
    let holder = match (
        is_public(asked.client.proof),
        (asked.state.rules.issuer.may_use)(asked.client.registration, Way::Unproven),
    ) {
        (true, true) => Holder::Public,
        // There is no redirect URI here that would say what kind of client it is: the registration decides.
        (true, false) => return Err(EntraError::CredentialMissing),
        (false, _) => Holder::Confidential,
    };
    asked
        .state
        .issued
        .with_device(value, |device| poll(asked, device, holder))
        .unwrap_or(Err(EntraError::DeviceCodeUnknown))
}

fn poll(asked: &Asked<'_>, device: &mut Device, holder: Holder) -> Result<Accepted, EntraError> {
    if !(asked.state.rules.issuer.own_credential)(device.client, asked.client.registration.app_id) {
        return Err(EntraError::DeviceCodeUnknown);
    }
    if (asked.state.rules.issuer.run_out)(device.expires_at, asked.now) {
        return Err(EntraError::DeviceCodeExpired);
    }
    match device.state {
        DeviceState::Pending => {
            let earliest = device
                .polled_at
                .and_then(|last| last.checked_add(SignedDuration::from_secs(device.interval_seconds)).ok());
            device.polled_at = Some(asked.now);
            if earliest.is_some_and(|earliest| asked.now < earliest) {
                // RFC 8628, 3.5.
                device.interval_seconds += INTERVAL_SECONDS;
                return Err(EntraError::DeviceTooFast);
            }
            Err(EntraError::DevicePending)
        }
        DeviceState::Declined => Err(EntraError::DeviceDeclined),
        DeviceState::Spent => Err(EntraError::CodeSpent),
        DeviceState::Approved { tenant, user, signed_in } => {
            if !(asked.state.rules.issuer.tenant_binding)(asked.authority, tenant) {
                return Err(EntraError::CodeOfOtherTenant);
            }
            device.state = DeviceState::Spent;
            Ok(Accepted {
                tenant,
                user,
                signed_in,
                credential: Credential::Code,
                issued_at: signed_in.at,
                scopes: device.scopes.clone(),
                nonce: None,
                always_refreshable: false,
                holder,
                fixed_until: None,
                descends_from: None,
            })
        }
    }
}
