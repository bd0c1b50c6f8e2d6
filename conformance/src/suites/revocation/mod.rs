//! Does a revocation act at the declared bound, on what was revoked and nothing else, and can it be undone?

mod every_tool;
mod histories;
mod org_gate_off_live;

use jiff::SignedDuration;

use crate::bench::{Bench, Call, Reply};
use crate::check::{Check, Finding};

pub(crate) use histories::HISTORIES;

/// The checks of this suite that are code.
pub(super) const CHECKS: &[&Check] = &[&every_tool::CHECK, &histories::CHECK, &org_gate_off_live::CHECK];

/// Something was just revoked, and `call` was served before. Until the declared bound the target may still serve it; just above, it may
/// not. When it stopped is measured, and the refusal returned. The connector's clock and the world's have moved past the bound then.
pub(crate) async fn blocked(bench: &mut Bench, what: &str, who: &str, call: &Call) -> Result<Reply, Finding> {
    let (bound, second) = (bench.bound(), SignedDuration::from_secs(1));
    let mut stopped = None;
    let mut waited = SignedDuration::ZERO;
    let mut moments = vec![("at once", SignedDuration::ZERO)];
    if bound > second {
        moments.push(("just below the bound", bound - second));
    }
    moments.push(("just above the bound", bound + second));
    let mut last = None;
    for (moment, after) in moments {
        if after > waited {
            bench.advance(after - waited).await?;
            waited = after;
        }
        let reply = bench.attempt(&format!("{moment}, {who}"), call.clone()).await?;
        bench.expect_only_own(&format!("{moment}, {who}"), &reply)?;
        stopped = if reply.served() { None } else { stopped.or(Some(after)) };
        last = Some(reply);
    }
    let last = last.ok_or_else(|| Finding::Inconclusive("nothing was tried".to_owned()))?;
    bench.expect(&format!("{who}: blocked above the bound"), "a refusal", &last.summary(), !last.served())?;
    bench.measure(what, stopped.unwrap_or(bound + second));
    Ok(last)
}
