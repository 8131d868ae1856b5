//! How fast the engine is on the built-in scenarios: runs, inspections, sweeps.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use postulate::explore::{Sweep, Watch, sweep};
use postulate::run::{Pulse, Subject};
use postulate::scenario::Scenario;
use postulate::schedule::Schedule;
use postulate::seed::Seed;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const SCENARIOS: [&str; 2] = ["exactly-once-pipe", "w1"];

/// So many seeds are one measurement: single ones differ too much from each other.
const SEEDS: u64 = 100;

fn subject(name: &str) -> Arc<dyn Subject> {
    Scenario::named(name).and_then(Scenario::subject).expect("it is in the catalogue")
}

/// Passing runs keep no trace: what `run` costs is the price of a schedule, and what `inspect`
/// costs is paid once a failure.
fn runs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("schedules");
    group.throughput(Throughput::Elements(SEEDS));
    for name in SCENARIOS {
        let mut worker = subject(name).worker(Arc::new(Pulse::default()));
        group.bench_function(BenchmarkId::new("run", name), |bencher| {
            bencher.iter(|| {
                for seed in 0..SEEDS {
                    black_box(worker.run(&Schedule::seeded(Seed(seed))));
                }
            });
        });
        group.bench_function(BenchmarkId::new("inspect", name), |bencher| {
            bencher.iter(|| {
                for seed in 0..SEEDS {
                    black_box(worker.inspect(&Schedule::seeded(Seed(seed))));
                }
            });
        });
    }
    group.finish();
}

/// Lets a millisecond pass a tick, so that no sweep waits for its watchdog.
struct Hasty;

impl Watch for Hasty {
    #[expect(clippy::disallowed_methods, reason = "a watch lets real time pass")]
    fn tick(&self) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn sweeps(criterion: &mut Criterion) {
    let watch: Arc<dyn Watch> = Arc::new(Hasty);
    let plan = Sweep { schedules: 1_000, hung_after_ticks: 10_000, ..Sweep::default() };
    let mut group = criterion.benchmark_group("sweep");
    group.throughput(Throughput::Elements(plan.schedules));
    for name in SCENARIOS {
        let subject = subject(name);
        group.bench_function(BenchmarkId::new("one thread", name), |bencher| {
            bencher.iter(|| black_box(sweep(&subject, &plan, &watch)));
        });
    }
    group.finish();
}

criterion_group! {
    name = engine;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = runs, sweeps
}
criterion_main!(engine);
