//! What is a scenario file? A check written as data: people, steps, what must be seen. A reviewer reads it without Rust, copies it, puts
//! other people in, and runs it.
//!
//! | module | answers |
//! |---|---|
//! | [`step`] | which steps are there? |
//! | [`expect`] | what can be expected of an answer, and kept of it? |
//! | [`template`] | what stands for `${…}`? |
//! | [`load`] | is a file a scenario, and if not, where and why? |
//! | `play` | how is one run? |
//! | [`shipped`] | the files that come with the harness |

pub mod expect;
pub mod load;
mod markdown;
mod names;
mod needs;
mod play;
mod requests;
pub mod shipped;
pub mod step;
pub mod template;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use crate::check::{Feature, Layer, Profile, Severity, World};
use step::Step;

pub use load::{ScenarioError, parse};
pub use play::play;

/// A scenario, as its file says it.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// `suite/name` in lower case with dashes.
    pub id: String,
    /// What is asked, in a line.
    pub title: String,
    /// More about it, for the report and the reader.
    #[serde(default)]
    pub about: Option<String>,
    /// Where it is known from: public pages (`https://…`), CVE, CWE and RFC numbers, with a few words.
    #[serde(default)]
    pub references: Vec<String>,
    /// The requirements it speaks about: ids of `offline365 list requirements`.
    pub requirements: Vec<String>,
    /// What a failure means.
    pub severity: Severity,
    /// `core`: every connector. `extended`: connectors that make the promise.
    #[serde(default = "core")]
    pub profile: Profile,
    /// What the connector must have for the question to make sense.
    #[serde(default)]
    pub needs: Vec<Feature>,
    /// How the connector is set up; as shipped, if nothing is said.
    #[serde(default)]
    pub setup: Option<SetupFile>,
    /// Who attacks, if it is an attack.
    #[serde(default)]
    pub attack: Option<AttackFile>,
    /// Broken connectors that must fail it: names of `offline365 list broken`. May be empty in a file of one's own.
    #[serde(default)]
    pub broken: Vec<String>,
    /// Names for people, and for anything else that a copy of the file would change: `${name}` in the steps.
    #[serde(default)]
    pub with: BTreeMap<String, serde_json::Value>,
    /// What happens, in order.
    #[schemars(with = "Vec<Step>")]
    #[serde(serialize_with = "bare")]
    pub steps: Vec<Spanned<Step>>,
}

/// How the connector under test is set up.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupFile {
    /// Names of the tenants that are let in.
    #[serde(default = "both")]
    pub admitted: Vec<String>,
    /// Tools that are switched off.
    #[serde(default)]
    pub disabled_tools: Vec<String>,
    /// `real`: tokens issued before a revocation are honoured as the real Graph does; `strict`: challenged at once.
    #[serde(default = "real")]
    pub world: World,
}

/// Who attacks.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttackFile {
    /// The attacker: a person of the world.
    pub by: String,
    /// What the attacker has beyond an ordinary account.
    pub knows: String,
    /// Who must stop it.
    pub stopped_by: Vec<Layer>,
}

fn core() -> Profile {
    Profile::Core
}

fn real() -> World {
    World::Real
}

fn both() -> Vec<String> {
    vec![fixtures::cast::CONTOSO.to_owned(), fixtures::cast::FABRIKAM.to_owned()]
}

/// Steps without the places they stood at.
fn bare<S: serde::Serializer>(steps: &[Spanned<Step>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(steps.iter().map(|step| &step.value))
}

/// The JSON schema of scenario files, for editors.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("title".to_owned(), "offline365 scenario".into());
    }
    schema
}
