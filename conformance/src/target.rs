//! Which connector is asked, where its doors are, and what it says it lacks.

mod process;
mod profile;
mod programs;
mod shape;
mod tools;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use url::Url;

pub use process::{Process, Start, StartFailed};
pub use profile::{Authorization, Profile, ProfileError};
pub use programs::Programs;
pub use shape::{DeviceCode, OwnLogin, Protocol, SignInMode, Transport};
pub use tools::{Shape, Tools};

use crate::bench::Speech;
use crate::broken::Broken;
use crate::check::Feature;

/// The connector under test.
#[derive(Debug, Clone)]
pub enum Target {
    /// Ours, in this process and behind sockets: fresh for each check; with a deliberate fault, if one is named.
    Embedded(Option<&'static Broken>),
    /// Anybody's, reached by URL.
    Remote(Box<Profile>),
}

impl Target {
    /// Its name in reports.
    pub fn name(&self) -> String {
        match self {
            Self::Embedded(None) => "embedded connector".to_owned(),
            Self::Embedded(Some(broken)) => format!("broken connector {}", broken.name),
            Self::Remote(profile) => profile.name.clone(),
        }
    }
}

/// Where everything is that a check talks to.
#[derive(Debug, Clone)]
pub struct Doors {
    /// The login host.
    pub login: Url,
    /// Graph.
    pub graph: Url,
    /// Where Graph redirects to for the content of files.
    pub content: Url,
    /// The world's control plane.
    pub lab: Url,
    /// The connector.
    pub mcp: Url,
    /// The assistant's back end, where one stands in front of it.
    pub host: Option<Url>,
    /// What the target has.
    pub features: BTreeSet<Feature>,
    /// How long after a revocation the target may go on, by its own declaration.
    pub obo_max_age: SignedDuration,
    /// How people sign in.
    pub sign_in: SignInMode,
    /// What a sign-in of the connector's own needs to be known.
    pub own_login: OwnLogin,
    /// How a person comes by the code that is typed on another device.
    pub device_code: DeviceCode,
    /// In which form questions reach the connector.
    pub speech: Speech,
    /// What tools are called.
    pub tools: Tools,
    /// Tools of ours that the target has nothing like.
    pub missing_tools: BTreeSet<String>,
}
