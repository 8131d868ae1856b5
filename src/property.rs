//! Schedules and scenarios as strategies of `proptest`.
//!
//! A property is stated of any schedule, and of any run: that a promise is kept, or whatever else
//! its history shows. What breaks it is shrunk to the few steps that it takes, by the same search
//! as [`shrink`](crate::shrink):
//!
//! ```
//! use postulate::property::{self, schedules};
//! use postulate::scenario::Scenario;
//! use proptest::prelude::*;
//!
//! let pipe = Scenario::named("exactly-once-pipe")?.subject()?;
//! proptest! {
//!     #![proptest_config(property::config())]
//!     // #[test]
//!     fn nothing_is_handled_by_one_who_is_late(case in schedules(&pipe)) {
//!         // Every promise is kept.
//!         let run = case.check()?;
//!         // And something else holds.
//!         prop_assert!(run.stats.acknowledged <= run.stats.invoked);
//!     }
//! }
//! # let rule = proptest::test_runner::Config { cases: 16, failure_persistence: None,
//! #     ..property::config() };
//! # proptest!(rule, |(case in schedules(&pipe))| { case.check()?; });
//! # Ok::<(), postulate::scenario::ScenarioError>(())
//! ```

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
