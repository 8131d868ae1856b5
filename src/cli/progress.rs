//! Real time for a sweep, and how far it has come.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a face of the crate lends its clock to the layers that have none"
)]

use crate::explore::{Look, Progress, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// How often the watchdog looks.
const TICK: Duration = Duration::from_millis(100);

/// After how many ticks without an event a run counts as hung.
pub(super) const HUNG_AFTER_TICKS: u32 = 100;

/// A clock with a bar on the terminal, if there is one.
pub(super) struct Clock {
    started: Instant,
    limit: Option<Duration>,
    bar: ProgressBar,
}

impl Clock {
    /// A clock for a sweep of `schedules`.
    pub(super) fn of_sweep(schedules: u64, limit: Option<Duration>) -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(schedules), target);
        bar.set_style(style(
            "{bar:30} {human_pos} of {human_len}, {rate} a second, {eta} to go{msg}",
        ));
        Self { started: Instant::now(), limit, bar }
    }

    /// A clock for many sweeps; each [`stage`](Self::stage) has a name.
    pub(super) fn of_stages() -> Self {
        let clock = Self::of_sweep(0, None);
        clock
            .bar
            .set_style(style("{prefix}: {bar:30} {human_pos} of {human_len}, {rate} a second"));
        clock
    }

    /// Names what is being swept from now on.
    pub(super) fn stage(&self, name: String) {
        self.bar.reset();
        self.bar.set_prefix(name);
    }

    /// A clock for a single run.
    pub(super) fn of_run() -> Self {
        Self { started: Instant::now(), limit: None, bar: ProgressBar::hidden() }
    }

    /// A clock for a search whose end cannot be foreseen.
    pub(super) fn of_search() -> Self {
        let clock = Self::of_sweep(0, None);
        clock.bar.set_style(style("{spinner} {msg}"));
        clock
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes the bar off the terminal.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("the template is well-formed");
    style.with_key("rate", |state: &ProgressState, out: &mut dyn fmt::Write| {
        _ = write!(out, "{:.0}", state.per_sec());
    })
}

impl Watch for Clock {
    fn tick(&self) {
        std::thread::sleep(TICK);
    }

    fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.elapsed() >= limit)
    }

    fn progress(&self, progress: Progress) {
        self.bar.set_length(progress.asked);
        self.bar.set_position(progress.done);
        if progress.failures > 0 {
            self.bar.set_message(format!(", {} failed", progress.failures));
        }
    }

    fn looking(&self, look: &Look<'_>) {
        let Look { group, seed, done, asked, runs, smallest } = look;
        let steps = smallest.steps;
        self.bar.set_style(style("{spinner} {msg}"));
        let now = format!("seed {seed}: {steps} steps after {runs} runs");
        self.bar.set_message(format!("{group}: {done} of {asked} failures shrunk; {now}"));
        self.bar.tick();
    }
}
