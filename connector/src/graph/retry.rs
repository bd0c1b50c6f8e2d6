//! Is a read tried again, and when? Decided here; slept elsewhere.

use std::time::Duration;

use crate::transport::TransportError;

/// How often a read is sent at most.
const ATTEMPTS: u32 = 3;

/// A person waits for the answer: what takes longer is told, not waited for.
const LONGEST: Duration = Duration::from_secs(5);

/// The pause before the next attempt, or `None` to give up. `attempt` counts from 1; `retry_after` is what the answer asked for.
pub(super) fn pause(outcome: Result<u16, TransportError>, retry_after: Option<u64>, attempt: u32) -> Option<Duration> {
    let again = match outcome {
        Ok(429 | 500 | 502 | 503 | 504) | Err(TransportError::Connection) => attempt < ATTEMPTS,
        Ok(_) | Err(TransportError::Timeout | TransportError::TooLarge) => false,
    };
    let pause = retry_after.map_or_else(|| Duration::from_millis(200 << attempt.min(4)), Duration::from_secs);
    (again && pause <= LONGEST).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_wish_is_honoured_and_a_long_one_told() {
        assert_eq!(pause(Ok(429), Some(2), 1), Some(Duration::from_secs(2)));
        assert_eq!(pause(Ok(429), Some(62), 1), None);
        assert_eq!(pause(Ok(503), None, 1), Some(Duration::from_millis(400)));
    }

    #[test]
    fn attempts_end() {
        assert_eq!(pause(Ok(503), None, ATTEMPTS), None);
        assert_eq!(pause(Ok(404), None, 1), None);
        assert_eq!(pause(Err(TransportError::Timeout), None, 1), None);
    }
}
