//! What does an operator measure? Calls, refusals and requests going out, counted where they pass anyway and written as Prometheus
//! reads them (<https://prometheus.io/docs/instrumenting/exposition_formats/>). No label names a tenant, a person or a thing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use url::{Origin, Url};

use crate::audit::{AuditEvent, AuditSink, EventKind};
use crate::transport::{Incoming, Outgoing, Transport, TransportError};

/// Upper bounds of the duration histogram, in milliseconds.
const BOUNDS: &[i64] = &[5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000];

/// The counts.
#[derive(Default)]
pub(crate) struct Metrics(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    authentications: BTreeMap<String, u64>,
    calls: BTreeMap<(String, String), u64>,
    durations: BTreeMap<String, Durations>,
    upstream: BTreeMap<(&'static str, String), u64>,
}

#[derive(Default)]
struct Durations {
    within: [u64; BOUNDS.len()],
    sum: i64,
    count: u64,
}

impl Metrics {
    /// As text of version 0.0.4.
    pub(crate) fn text(&self) -> String {
        let counts = self.locked();
        let mut out = String::new();
        let head = |name: &str, kind: &str, help: &str| format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
        out += &head(
            "offline365_authentications_total",
            "counter",
            "Tokens that were accepted for the first time, or refused.",
        );
        for (outcome, count) in &counts.authentications {
            let _ = writeln!(out, "offline365_authentications_total{{outcome=\"{outcome}\"}} {count}");
        }
        out += &head("offline365_tool_calls_total", "counter", "Tool calls by how they ended.");
        for ((tool, outcome), count) in &counts.calls {
            let _ = writeln!(out, "offline365_tool_calls_total{{tool=\"{tool}\",outcome=\"{outcome}\"}} {count}");
        }
        out += &head("offline365_tool_call_duration_milliseconds", "histogram", "From request to answer.");
        for (tool, durations) in &counts.durations {
            let name = "offline365_tool_call_duration_milliseconds";
            for (bound, within) in BOUNDS.iter().zip(&durations.within) {
                let _ = writeln!(out, "{name}_bucket{{tool=\"{tool}\",le=\"{bound}\"}} {within}");
            }
            let Durations { sum, count, .. } = durations;
            let _ = writeln!(out, "{name}_bucket{{tool=\"{tool}\",le=\"+Inf\"}} {count}");
            let _ = writeln!(out, "{name}_sum{{tool=\"{tool}\"}} {sum}\n{name}_count{{tool=\"{tool}\"}} {count}");
        }
        out += &head("offline365_upstream_requests_total", "counter", "Requests to the issuer and to Graph by status.");
        for ((service, outcome), count) in &counts.upstream {
            let _ = writeln!(
                out,
                "offline365_upstream_requests_total{{service=\"{service}\",outcome=\"{outcome}\"}} {count}"
            );
        }
        out
    }

    fn locked(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, event: &AuditEvent) {
        let mut counts = self.locked();
        match (event.event, &event.tool) {
            (EventKind::Tool, Some(tool)) => {
                *counts.calls.entry((tool.clone(), event.outcome.clone())).or_default() += 1;
                let durations = counts.durations.entry(tool.clone()).or_default();
                durations.sum = durations.sum.saturating_add(event.duration_ms);
                durations.count += 1;
                for (bound, within) in BOUNDS.iter().zip(&mut durations.within) {
                    *within += u64::from(event.duration_ms <= *bound);
                }
            }
            (EventKind::Host(_), _) => {}
            _ => *counts.authentications.entry(event.outcome.clone()).or_default() += 1,
        }
    }
}

/// An audit log whose events are counted.
pub(crate) struct CountedAudit {
    pub(crate) real: Arc<dyn AuditSink>,
    pub(crate) metrics: Arc<Metrics>,
}

impl AuditSink for CountedAudit {
    fn record(&self, event: &AuditEvent) {
        self.metrics.count(event);
        self.real.record(event);
    }
}

/// A way out whose requests are counted.
pub(crate) struct CountedTransport {
    real: Arc<dyn Transport>,
    graph: Origin,
    metrics: Arc<Metrics>,
}

impl CountedTransport {
    pub(crate) fn new(real: Arc<dyn Transport>, graph: &Url, metrics: Arc<Metrics>) -> Self {
        Self { real, graph: graph.origin(), metrics }
    }
}

impl Transport for CountedTransport {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        let service = if request.url.origin() == self.graph { "graph" } else { "issuer" };
        Box::pin(async move {
            let answer = self.real.send(request).await;
            let outcome = match &answer {
                Ok(answer) => answer.status.as_u16().to_string(),
                Err(TransportError::Timeout) => "timeout".to_owned(),
                Err(TransportError::TooLarge) => "too_large".to_owned(),
                Err(TransportError::Connection) => "connection".to_owned(),
            };
            *self.metrics.locked().upstream.entry((service, outcome)).or_default() += 1;
            answer
        })
    }
}
