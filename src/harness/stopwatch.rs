//! Real time for a sweep.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a face of the crate lends its clock to the layers that have none"
)]

use crate::explore::Watch;
use std::time::{Duration, Instant};

/// How often the watchdog looks.
const TICK: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Stopwatch {
    started: Instant,
    limit: Option<Duration>,
}

impl Stopwatch {
    pub(super) fn start(limit: Option<Duration>) -> Self {
        Self { started: Instant::now(), limit }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

impl Watch for Stopwatch {
    fn tick(&self) {
        std::thread::sleep(TICK);
    }

    fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.elapsed() >= limit)
    }
}
