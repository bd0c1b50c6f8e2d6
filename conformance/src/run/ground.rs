//! What a connector elsewhere stands on: an emulator of the shape that it needs, and the connector itself, if it is ours to start.

use std::sync::Arc;

use emulator::clock::Clock;
use emulator::{Emulator, Options};
use fixtures::Plan;
use jiff::SignedDuration;

use super::Runner;
use crate::bench::Speech;
use crate::target::{Doors, Process, Profile, Programs, Protocol, Transport};

/// The emulator that a connector elsewhere was told about: one for the whole run, put back between checks.
pub(super) struct Ground {
    emulator: emulator::Running,
    /// What the emulator's world was made from.
    pub(super) plan: Arc<Plan>,
    pub(super) doors: Doors,
    /// The target, if it is ours to start.
    process: Option<Process>,
}

impl Ground {
    pub(super) async fn end(self) {
        self.doors.speech.forget().await;
        if let Some(process) = self.process {
            process.end().await;
        }
        self.emulator.shutdown().await;
    }

    /// The end of what the target wrote.
    pub(super) fn said(&self) -> String {
        match (&self.process, &self.doors.speech) {
            (Some(process), _) => process.said(),
            (None, Speech::Programs(programs)) => programs.said(),
            (None, _) => String::new(),
        }
    }
}

/// Why there is no ground to ask on.
pub(super) enum NoGround {
    Ours(String),
    Target(String),
}

impl Runner {
    pub(super) async fn ground(&self, profile: &Profile) -> Result<Ground, NoGround> {
        let options = Options {
            clock: Clock::running(),
            seed: self.seed,
            login_port: profile.login_port,
            graph_port: profile.graph_port,
            content_port: profile.content_port,
            ..Options::default()
        };
        let plan = profile.sign_in.world(&self.plan, &profile.own_login);
        let emulator = Emulator::start(plan.clone(), options).await;
        let emulator = emulator.map_err(|error| NoGround::Ours(error.to_string()))?;
        let mut doors = Doors {
            login: emulator.login.clone(),
            graph: emulator.graph.clone(),
            content: emulator.content.clone(),
            lab: emulator.lab.clone(),
            mcp: profile.mcp.clone(),
            host: None,
            features: profile.has(),
            obo_max_age: SignedDuration::from_secs(profile.obo_max_age_seconds),
            sign_in: profile.sign_in,
            own_login: profile.own_login.clone(),
            device_code: profile.device_code.clone(),
            speech: match profile.protocol {
                Protocol::Stateless => Speech::Stateless,
                Protocol::Sessions => Speech::Sessions(Arc::default()),
            },
            tools: profile.tools.clone(),
            missing_tools: profile.missing_tools.clone(),
        };
        let process = match &profile.start {
            None => None,
            Some(start) if profile.transport == Transport::Stdio => {
                doors.speech = Speech::Programs(Arc::new(Programs::new(start.clone(), &plan, &doors)));
                None
            }
            Some(start) => match Process::start(start, &plan, &doors).await {
                Ok(process) => Some(process),
                Err(why) => {
                    emulator.shutdown().await;
                    return Err(NoGround::Target(why.to_string()));
                }
            },
        };
        Ok(Ground { emulator, plan: Arc::new(plan), doors, process })
    }
}
