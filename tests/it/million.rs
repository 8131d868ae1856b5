//! Every scenario of the catalogue, over a million schedules in all: the right ones hold, and the
//! one that is there to be broken is.

use crate::fake::Patient;
use postulate::explore::{Conclusion, Sweep, Swept, Watch, sweep};
use postulate::report::{Paint, Paste, Sight, sweep_text};
use postulate::scenario::{Entry, Expect, catalogue};
use postulate::seed::Seed;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// Schedules in all. Unoptimised they would take many minutes.
const SCHEDULES: u64 = if cfg!(debug_assertions) { 6_000 } else { 1_050_000 };

/// Far from the seeds that are swept by hand.
const FROM: Seed = Seed(1 << 40);

fn swept(entry: &Entry, schedules: u64) -> Swept {
    let scenario = entry.scenario().unwrap();
    let expected = match scenario.expect {
        Expect::Holds => Conclusion::Holds,
        Expect::Violated => Conclusion::Violated,
    };
    let subject = scenario.subject().unwrap();
    let plan = Sweep {
        from: FROM,
        schedules,
        jobs: NonZeroUsize::new(2).unwrap(),
        // Patience for a machine that is busy with the other tests.
        hung_after_ticks: 10_000,
        ..Sweep::default()
    };
    let watch: Arc<dyn Watch> = Arc::new(Patient);
    let swept = sweep(&subject, &plan, &watch);
    if swept.conclusion() != expected {
        let name = entry.name.to_owned();
        let paste = Paste::Replay { scenario: name.clone(), strategy: plan.strategy };
        let kept = BTreeMap::new();
        let (inquiries, novelty) = (Vec::new(), None);
        let sight = Sight { scenario: name, wall: Duration::ZERO, paste, inquiries, kept, novelty };
        let report = sweep_text(&swept, subject.as_ref(), &sight, Paint::Plain);
        panic!("{expected:?} was expected\n\n{report}");
    }
    swept
}

#[test]
fn the_catalogue_ends_as_it_says_over_a_million_schedules() {
    let each = SCHEDULES.div_ceil(catalogue().len() as u64);
    let run: u64 = catalogue().iter().map(|entry| swept(entry, each).tally.schedules).sum();
    assert!(run >= SCHEDULES, "only {run} schedules were run");
}
