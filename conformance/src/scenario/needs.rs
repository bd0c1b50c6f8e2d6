//! What must a target have for a file's steps to mean anything, beyond what the file says?

use super::Scenario;
use super::step::{Call, Flow, Host, SignIn, Step};
use crate::check::Feature;

/// Features that follow from the steps, and are not named by the file.
pub(super) fn of(scenario: &Scenario) -> Vec<Feature> {
    let mut needs = scenario.needs.clone();
    scenario.steps.iter().for_each(|step| follow(&step.value, &mut needs));
    needs
}

fn follow(step: &Step, needs: &mut Vec<Feature>) {
    let mut need = |feature| {
        if !needs.contains(&feature) {
            needs.push(feature);
        }
    };
    match step {
        Step::Forge(_) => need(Feature::EntraTokens),
        Step::SignIn(sign_in) if !is_plain(sign_in) => need(Feature::EntraTokens),
        Step::Http(http) if http.to == Host::Connector => {
            need(Feature::Endpoint);
            if http.path == "mcp" {
                need(Feature::Stateless);
            }
        }
        Step::Mcp(mcp) => {
            if mcp.by.is_none() || mcp.body.is_some() || !mcp.headers.is_empty() {
                need(Feature::Endpoint);
            }
            if mcp.body.is_some() {
                need(Feature::Stateless);
            }
        }
        Step::Call(call) => in_call(call, &mut need),
        Step::Together(together) => together.calls.iter().for_each(|call| in_call(call, &mut need)),
        Step::During(during) => {
            in_call(&during.call, &mut need);
            during.steps.iter().for_each(|step| follow(&step.value, needs));
        }
        Step::ForEach(each) => each.steps.iter().for_each(|step| follow(&step.value, needs)),
        _ => {}
    }
}

/// Whether nothing is said but who.
fn is_plain(sign_in: &SignIn) -> bool {
    let said = [&sign_in.from, &sign_in.at, &sign_in.client, &sign_in.scope, &sign_in.claims, &sign_in.second_factor];
    sign_in.flow == Flow::Code && said.iter().all(|said| said.is_none())
}

fn in_call(call: &Call, need: &mut impl FnMut(Feature)) {
    if !call.headers.is_empty() {
        need(Feature::Endpoint);
    }
}
