//! What a connector says of itself to the first questions, before any check.

use std::sync::Arc;

use fixtures::cast::{ALICE, BUDGET};

use super::Runner;
use super::ground::NoGround;
use crate::bench::{Bench, Call, Embedded};
use crate::check::{Finding, Setup};
use crate::target::{Profile, Target};

impl Runner {
    /// What `target init` and `target doctor` want to know.
    pub async fn ask_around(&self, profile: &Profile) -> Ask {
        let nothing = |why: &str| Ask {
            ground: Err(why.to_owned()),
            anonymous: Err(why.to_owned()),
            tools: Err(why.to_owned()),
            search: Err(why.to_owned()),
        };
        let ground = match self.ground(profile).await {
            Ok(ground) => ground,
            Err(NoGround::Ours(why) | NoGround::Target(why)) => return nothing(&why),
        };
        let mut ask = nothing("not tried");
        ask.ground = Ok((ground.doors.login.to_string(), ground.doors.graph.to_string()));
        match Bench::new(Arc::clone(&ground.plan), ground.doors.clone(), None, None).await {
            Ok(mut bench) => ask.with(&mut bench).await,
            Err(error) => ask.ground = Err(error.to_string()),
        }
        ground.end().await;
        ask
    }

    /// What a target says of itself: MCP's `serverInfo`.
    pub async fn introduced(&self, target: &Target) -> Option<serde_json::Value> {
        match target {
            Target::Embedded(broken) => {
                let started = Embedded::start(Arc::clone(&self.plan), self.seed, &Setup::SHIPPED, *broken).await;
                let (house, mut bench) = started.ok()?;
                let info = introduced(&mut bench).await;
                house.shutdown().await;
                info
            }
            Target::Remote(profile) => {
                let ground = self.ground(profile).await.ok()?;
                let bench = Bench::new(Arc::clone(&ground.plan), ground.doors.clone(), None, None).await;
                let info = match bench {
                    Ok(mut bench) => introduced(&mut bench).await,
                    Err(_) => None,
                };
                ground.end().await;
                info
            }
        }
    }
}

/// What a connector elsewhere says to the first questions.
#[derive(Debug)]
pub struct Ask {
    /// Where login and Graph are.
    pub ground: Result<(String, String), String>,
    /// The status of an answer to somebody without a token; nothing where nobody can ask so.
    pub anonymous: Result<Option<u16>, String>,
    /// The answer to Alice, who asks for the tools.
    pub tools: Result<serde_json::Value, String>,
    /// Whether a search finds her mail.
    pub search: Result<(), String>,
}

impl Ask {
    async fn with(&mut self, bench: &mut Bench) {
        let told = |finding: Finding| match finding {
            Finding::Fail(why) | Finding::Inconclusive(why) => why,
            Finding::NotApplicable(feature) => feature.to_string(),
        };
        let anonymous = bench.attempt("asks without a token", Call::anonymous("tools/list")).await;
        self.anonymous = match anonymous {
            // A program serves whoever started it: nobody else can ask.
            Err(Finding::NotApplicable(_)) => Ok(None),
            asked => asked.map(|reply| Some(reply.status)).map_err(told),
        };
        let alice = match bench.sign_in(ALICE).await {
            Ok(alice) => alice,
            Err(finding) => {
                self.tools = Err(told(finding));
                return;
            }
        };
        let list = bench.attempt("asks for the tools", alice.list_tools()).await.map_err(told);
        self.tools = list.and_then(|reply| reply.result().cloned().ok_or_else(|| reply.summary()));
        self.search = match bench.canary(BUDGET) {
            Ok(canary) => bench.control("searches", alice.search("Budget 2026"), &canary).await.map(drop).map_err(told),
            Err(finding) => Err(told(finding)),
        };
    }
}

async fn introduced(bench: &mut Bench) -> Option<serde_json::Value> {
    let alice = bench.sign_in(ALICE).await.ok()?;
    let params = serde_json::json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "offline365-harness", "version": env!("CARGO_PKG_VERSION") },
    });
    let call = alice.ask("initialize").params(params).header("mcp-protocol-version", "");
    let reply = bench.attempt("asks who answers", call).await.ok()?;
    reply.result()?.get("serverInfo").cloned()
}
