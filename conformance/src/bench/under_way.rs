//! A call that waits somewhere while other things happen.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::reply::Reply;
use super::{Bench, Call, ours};
use crate::check::Finding;
use crate::recorder::{Hop, StepKind};

/// How long a call may take to get to where it waits, in looks of ten milliseconds.
const LOOKS: u32 = 500;

/// A call that was sent and has not been answered.
pub struct UnderWay {
    call: Call,
    answer: JoinHandle<Result<Hop, String>>,
}

impl Bench {
    /// Sends a call, and returns when a fault of the lab holds one of its requests.
    pub async fn begin(&mut self, call: Call) -> Result<UnderWay, Finding> {
        self.can_be_asked(&call)?;
        let call = self.doors.tools.translated(call);
        self.aside = Some(Vec::new());
        let (http, doors, mark) = (self.http.clone(), self.doors.clone(), self.mark(&call.actor));
        let sent = call.clone();
        let answer = tokio::spawn(async move { doors.speech.ask(&http, &doors.mcp, &sent, mark).await });
        for _ in 0..LOOKS {
            if self.lab.somebody_waits().await.map_err(ours)? {
                return Ok(UnderWay { call, answer });
            }
            if answer.is_finished() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(Finding::Inconclusive("the call waited nowhere: no fault of the lab holds it".to_owned()))
    }

    /// Its answer. What went upstream meanwhile is told of the call.
    pub async fn finish(&mut self, label: &str, under_way: UnderWay) -> Result<Reply, Finding> {
        let UnderWay { call, answer } = under_way;
        self.recorder.step(StepKind::Attempt, &call.actor, label);
        let failed = |why: String| Finding::Inconclusive(format!("{label}: no answer: {why}"));
        let hop = answer.await.map_err(|error| failed(error.to_string()))?.map_err(failed)?;
        let mut reply = self.keep(&call, hop);
        self.drain().await?;
        reply.upstream = self.aside.take().unwrap_or_default();
        reply.upstream.iter().for_each(|upstream| self.recorder.upstream(upstream));
        self.recorder.answered(0, reply.served(), reply.code(), reply.refused_by());
        Ok(reply)
    }
}
