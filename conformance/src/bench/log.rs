//! What the connector under test writes down of each request: its audit log, read back line by line.

use std::sync::{Mutex, PoisonError};

use connector::audit::{AuditEvent, AuditSink};
use serde_json::Value;

use super::Bench;
use crate::check::{Feature, Finding};

/// The connector's audit log as the bytes that it would be in a file.
#[derive(Debug, Default)]
pub struct Log(Mutex<Vec<u8>>);

impl AuditSink for Log {
    fn record(&self, event: &AuditEvent) {
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(line);
    }
}

impl Log {
    /// Every line as JSON; one that is none, as the text that it is.
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&bytes);
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| line.into())).collect()
    }
}

impl Bench {
    /// What the connector wrote down since the check began. Each line must be one JSON object.
    pub fn events(&mut self) -> Result<Vec<Value>, Finding> {
        let log = self.log.clone().ok_or(Finding::NotApplicable(Feature::AuditLog))?;
        let lines = log.lines();
        let torn = lines.iter().filter(|line| !line.is_object()).count();
        self.expect("lines of the connector's log that are no JSON object", "0", &torn.to_string(), torn == 0)?;
        Ok(lines)
    }
}
