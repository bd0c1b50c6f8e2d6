//! Not the connector, but the services behind it, careless in one decision: for attacks that Entra or Graph must stop. The connector is as shipped.

mod graph;
mod issuer;

use connector::danger::Edges;
use connector::policy::Policy;
use emulator::rules::Rules;

use super::Broken;
pub use graph::*;
pub use issuer::*;

fn as_shipped() -> (Policy, Edges) {
    (Policy::STRICT, Edges::default())
}

const fn careless(name: &'static str, sentence: &'static str) -> Broken {
    Broken { name, sentence, reference: None, fault: as_shipped }
}

/// The rules of the services when this one is meant.
pub(crate) fn rules(broken: Option<&Broken>) -> Rules {
    let Some(broken) = broken else { return Rules::STRICT };
    let issuer = issuer::CARELESS.iter().find(|(one, _)| one.name == broken.name);
    let graph = graph::CARELESS.iter().find(|(one, _)| one.name == broken.name);
    match (issuer, graph) {
        (Some((_, issuer)), _) => Rules { issuer: *issuer, ..Rules::STRICT },
        (None, Some((_, graph))) => *graph,
        (None, None) => Rules::STRICT,
    }
}
