//! Workload W1, the exactly-once pipe, as `w1 N`: N schedules of the catalogue's `w1` from seed 0,
//! with history, digest and oracles on, in one line of key=value pairs.
//!
//! These are the very runs of `postulate sweep w1 --schedules N`, in one thread and without its
//! sample of repeated seeds, and they have its digest.

use postulate::explore::Tally;
use postulate::run::Pulse;
use postulate::scenario::Scenario;
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use std::sync::Arc;

#[expect(clippy::disallowed_types, reason = "a benchmark reads the clock")]
fn main() {
    // `cargo bench` passes `--bench`; a number asks for so many schedules.
    let schedules = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(20_000);
    let subject = Scenario::named("w1").and_then(Scenario::subject).expect("the catalogue has w1");
    let mut worker = subject.worker(Arc::new(Pulse::default()));
    let mut tally = Tally::default();
    let start = std::time::Instant::now();
    for seed in 0..schedules {
        tally.add(&worker.run(&Schedule::seeded(Seed(seed))));
    }
    let wall_s = start.elapsed().as_secs_f64();
    println!(
        "schedules={schedules} delivered={} sent={} failures={} wall_s={wall_s:.6} digest={:#018x}",
        tally.delivered,
        tally.sent,
        tally.failures(),
        tally.digest,
    );
}
