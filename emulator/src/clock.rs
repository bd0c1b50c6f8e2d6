//! The emulator's clock: the only place that asks the machine for the time.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Where time comes from: it runs with the machine, or stands still until moved.
#[derive(Debug)]
pub struct Clock {
    /// Nanosecond offset from wall time when running; absolute nanoseconds since 1970 when standing. `i64` reaches the year 2262.
    nanos: AtomicI64,
    running: bool,
}

impl Clock {
    /// A clock that runs with the machine's, starting at the machine's time.
    pub fn running() -> Self {
        Self { nanos: AtomicI64::new(0), running: true }
    }

    /// A clock that stands at `instant` until it is moved.
    pub fn standing(instant: Timestamp) -> Self {
        Self { nanos: AtomicI64::new(clamp(instant.as_nanosecond())), running: false }
    }

    /// The current instant.
    pub fn now(&self) -> Timestamp {
        let nanos = i128::from(self.nanos.load(Ordering::SeqCst));
        let base = if self.running { wall().as_nanosecond() } else { 0 };
        Timestamp::from_nanosecond(base + nanos).unwrap_or(Timestamp::MAX)
    }

    /// Moves the clock; a negative duration moves it back.
    pub fn advance(&self, by: SignedDuration) {
        let by = clamp(by.as_nanos());
        // Saturates: a clock that runs off the calendar stands at its end.
        let _ = self.nanos.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |nanos| Some(nanos.saturating_add(by)));
    }

    /// Sets the clock to `instant`.
    pub fn set(&self, instant: Timestamp) {
        let base = if self.running { wall().as_nanosecond() } else { 0 };
        self.nanos.store(clamp(instant.as_nanosecond() - base), Ordering::SeqCst);
    }

    /// Whether it runs with the machine's.
    pub fn is_running(&self) -> bool {
        self.running
    }
}

fn clamp(nanos: i128) -> i64 {
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
fn wall() -> Timestamp {
    Timestamp::now()
}

/// The machine's time, for what lives outside the world: certificates.
pub(crate) fn machine_time() -> Timestamp {
    wall()
}
