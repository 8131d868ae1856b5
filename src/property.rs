//! Schedules and scenarios as strategies of `proptest`.
//!
//! A property is stated of any schedule, and of its run: that every promise is kept, or whatever
//! else its history shows.
//!
//! ```
//! use postulate::property::{self, schedules};
//! use postulate::scenario::Scenario;
//! use proptest::prelude::*;
//!
//! let pipe = Scenario::named("exactly-once-pipe")?.subject()?;
//! # let property_config = || proptest::test_runner::Config {
//! #     failure_persistence: None, cases: 16, ..property::config() };
//! proptest! {
//!     #![proptest_config(property_config())] // property::config(), for instance
//!     // #[test]
//!     fn the_pipe_keeps_its_promises(case in schedules(&pipe)) {
//!         let run = case.check()?;
//!         prop_assert!(run.stats.acknowledged <= run.stats.invoked);
//!     }
//! }
//! # Ok::<(), postulate::scenario::ScenarioError>(())
//! ```
//!
//! # What a failure looks like
//!
//! A case that fails is rewritten as a quiet run and the steps that it took, and
//! [shrunk](crate::shrink) as far as the test goes on failing. Here consumers remember in memory
//! what they have handled:
//!
//! ```
//! use postulate::property::{self, schedules};
//! use postulate::zoo::Specimen;
//! use proptest::test_runner::{Config, TestRunner};
//!
//! let forgetful = Specimen::named("volatile-dedup-set").unwrap().subject()?;
//! let config = Config { failure_persistence: None, ..property::config() };
//! let test = TestRunner::new(config).run(&schedules(&forgetful), |case| case.check().map(drop));
//! let told = test.unwrap_err().to_string();
//! assert!(told.starts_with("Test failed: duplicate-effect\n  expected   "));
//! assert!(told.contains("\nminimal failing input: volatile-dedup-set seed 0x"));
//! assert!(told.contains("a quiet run and\n  ")); // the steps, a line each
//! assert!(told.contains("crash of consumer"));
//! assert!(told.contains("\nto run it again\n  Case::parse(&subject, r#\"{"));
//! # Ok::<(), postulate::scenario::ScenarioError>(())
//! ```
//!
//! The last line, pasted in a test, is that case and nothing else. Besides, proptest keeps the seed
//! of the failure under `proptest-regressions` and tries it first from then on.
//!
//! # Any scenario
//!
//! [`scenarios`] draws the sizes, times and faults of a scenario, [`trials`] a schedule besides;
//! what fails is shrunk in both.
//!
//! # Pitfalls
//!
//! - proptest shrinks with at most four times as many tests as there are cases, unless its
//!   configuration says otherwise, as [`config`] does. A broken promise takes a few dozen: which
//!   candidates end alike is found out without the test. An assertion that holds of most runs may
//!   take thousands.
//! - What a test asserts must depend on the case alone. The [`Case`] runs its schedule; a test that
//!   keeps state of its own from case to case has no minimal failure.
//! - A process that proptest forks, and its cache of results, give verdicts without running the
//!   test. That is no harm here: what is proposed depends on the seed and the verdicts alone.
//! - A run without a verdict is rejected by [`Case::check`]. proptest gives up after 1,024 of them.
//! - A callback that never returns stops the test: under proptest nobody watches. Sweep such a
//!   system with the [`harness`](crate::harness).

use proptest::test_runner::Config;

mod case;
mod scenarios;
mod schedules;
mod trials;

pub use case::{Case, NotACase};
pub use scenarios::{Scenarios, Shape, scenarios};
pub use schedules::{ScheduleTree, Schedules, schedules};
pub use trials::{Trial, TrialTree, Trials, trials};

/// How many candidates proptest may try.
const SHRINK_ITERATIONS: u32 = 100_000;

/// What proptest does unless stated otherwise, with room to shrink.
///
/// By itself proptest stops shrinking after four times as many candidates as there are cases. A
/// broken promise is shrunk within that; an assertion that runs break in many ways may take more.
pub fn config() -> Config {
    Config { max_shrink_iters: SHRINK_ITERATIONS, ..Config::default() }
}
