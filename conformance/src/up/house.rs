//! How emulator, connector and host are started together and ended.

use std::collections::BTreeMap;

use fixtures::Plan;
use fixtures::own_mail::{self, OwnMailError};

use super::failure::Failure;
use super::options::{HouseArgs, Ports};
use super::ready::Ready;
use super::state::State;

/// A running house.
pub(super) struct House {
    ready: Ready,
    ca_pem: String,
}

impl House {
    /// Starts all of it; when this returns, every port is bound.
    pub(super) async fn start(args: &HouseArgs, usual: Ports, _state: &State) -> Result<Self, Failure> {
        args.refuse_unbuilt()?;
        let _ports = args.ports(usual)?;
        let _plan = plan(args)?;
        Err(Failure::Start { part: "emulator", why: "not wired yet".to_owned() })
    }

    /// Where everything is.
    pub(super) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The certificate to trust, PEM.
    pub(super) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What was asked of the emulator and is not modelled, and how often.
    pub(super) fn unmodelled(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }

    /// Closes every listener.
    pub(super) async fn shutdown(self) {}
}

/// The built-in world or the user's, with the user's own mail in it.
fn plan(args: &HouseArgs) -> Result<Plan, Failure> {
    let loaded = args.fixtures.as_deref().map_or_else(Plan::embedded, Plan::from_dir);
    let mut plan = loaded.map_err(|error| Failure::Plan(error.to_string()))?;
    for (index, own) in args.mail.iter().enumerate() {
        if args.mail.iter().skip(index + 1).any(|other| other.user == own.user) {
            return Err(Failure::Usage(format!("--mail: {} is named twice; put the mail into one folder", own.user)));
        }
        let mail = own_mail::load(&own.path).map_err(own_mail_failure)?;
        plan.with_own_mail(&own.user, mail).map_err(own_mail_failure)?;
    }
    Ok(plan)
}

fn own_mail_failure(error: OwnMailError) -> Failure {
    match error {
        OwnMailError::NobodyCalled(_) => Failure::Usage(format!("--mail: {error}")),
        _ => Failure::Plan(format!("--mail: {error}")),
    }
}
