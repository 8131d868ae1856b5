//! A machine's two clocks, as functions of virtual time.

use crate::time::{Instant, Span};

/// The largest drift of a monotonic clock, in parts per million: a tenth and more is no clock.
pub const DRIFT_MAX: i32 = 99_999;

const MILLION: i128 = 1_000_000;

/// A monotonic clock with drift and tick, and a wall clock with an offset.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    drift_ppm: i32,
    tick: u64,
    offset: i64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { drift_ppm: 0, tick: 1, offset: 0 }
    }
}

impl Clock {
    /// A clock that runs `drift_ppm` parts per million fast and shows whole ticks; its wall clock
    /// is off by `offset` nanoseconds.
    ///
    /// # Panics
    /// If the drift is more than [`DRIFT_MAX`] either way, or the tick is zero.
    pub fn new(drift_ppm: i32, tick: Span, offset: i64) -> Self {
        assert!(drift_ppm.abs() <= DRIFT_MAX, "a clock drifts by less than a tenth");
        assert!(tick > Span::ZERO, "a clock ticks");
        Self { drift_ppm, tick: tick.nanos(), offset }
    }

    /// Whether the monotonic clock shows anything but virtual time.
    #[inline]
    pub const fn drifts(&self) -> bool {
        self.drift_ppm != 0
    }

    /// Whether the wall clock is off.
    #[inline]
    pub const fn is_off(&self) -> bool {
        self.offset != 0
    }

    /// Steps the wall clock by `by` nanoseconds.
    pub fn step(&mut self, by: i64) {
        self.offset = self.offset.saturating_add(by);
    }

    /// What the monotonic clock shows at `now`.
    #[inline]
    pub fn monotonic(&self, now: Instant) -> Instant {
        if self.drift_ppm == 0 && self.tick == 1 {
            return now;
        }
        self.drifted(now)
    }

    /// What the wall clock shows at `now`: the monotonic clock and the offset, never before the
    /// start.
    pub fn wall(&self, now: Instant) -> Instant {
        Instant::from_nanos(self.monotonic(now).nanos().saturating_add_signed(self.offset))
    }

    /// The first virtual time at which the monotonic clock shows at least `after` more than at
    /// `now`.
    ///
    /// It is rounded up: a node that wakes a nanosecond early finds that nothing is due, and sets
    /// its timer again for ever.
    #[inline]
    pub fn due(&self, now: Instant, after: Span) -> Instant {
        if self.drift_ppm == 0 && self.tick == 1 {
            return now + after;
        }
        self.drifted_due(now, after)
    }

    #[cold]
    fn drifted(&self, now: Instant) -> Instant {
        let local = i128::from(now.nanos()) * (MILLION + i128::from(self.drift_ppm)) / MILLION;
        let local = u64::try_from(local).unwrap_or(u64::MAX);
        Instant::from_nanos(local - local % self.tick)
    }

    #[cold]
    fn drifted_due(&self, now: Instant, after: Span) -> Instant {
        let target = self.drifted(now) + after;
        let ticks = target.nanos().div_ceil(self.tick).saturating_mul(self.tick);
        let rate = MILLION + i128::from(self.drift_ppm);
        let due = (i128::from(ticks) * MILLION + rate - 1) / rate;
        Instant::from_nanos(u64::try_from(due).unwrap_or(u64::MAX)).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_timer_never_fires_early_and_at_most_a_tick_late(
            drift in -99_999..100_000_i32,
            tick in 1..50_000_000_u64,
            now in 0..100_000_000_000_u64,
            after in 0..10_000_000_000_u64,
        ) {
            let clock = Clock::new(drift, Span::nanos_of(tick), 0);
            let (now, after) = (Instant::from_nanos(now), Span::nanos_of(after));
            let due = clock.due(now, after);
            prop_assert!(clock.monotonic(due) >= clock.monotonic(now) + after);
            if due > now {
                let before = Instant::from_nanos(due.nanos() - 1);
                prop_assert!(clock.monotonic(before) < clock.monotonic(now) + after);
            }
        }
    }

    #[test]
    fn a_wall_clock_steps_and_the_monotonic_one_does_not() {
        let now = Instant::from_nanos(1_000);
        let mut clock = Clock::new(0, Span::nanos_of(1), 0);
        clock.step(-400);
        assert_eq!((clock.monotonic(now).nanos(), clock.wall(now).nanos()), (1_000, 600));
        clock.step(-4_000);
        assert_eq!(clock.wall(now), Instant::START);
    }
}
