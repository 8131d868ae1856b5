//! One run under the watchdog.

use super::Watch;
use super::crew::start;
use super::finding::machine_name;
use crate::run::{Pulse, Subject, Worker};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};

/// A callback that did not return.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a callback of {machine} does not return")]
pub struct Hung {
    /// The machine whose callback it is.
    pub machine: String,
}

/// What the ticking thread shares with the one that listens.
#[derive(Debug, Default)]
struct Clock {
    over: AtomicBool,
    /// A tick is on its way: ticks that piled up would all be counted in one moment.
    ticked: AtomicBool,
}

enum Call<T> {
    Tick,
    Done(Result<T, Box<dyn Any + Send>>),
}

pub(super) fn run<T: Send + 'static>(
    subject: &Arc<dyn Subject>,
    hung_after_ticks: u32,
    watch: &Arc<dyn Watch>,
    task: impl FnOnce(&mut dyn Worker) -> T + Send + 'static,
) -> Result<T, Hung> {
    let pulse = Arc::new(Pulse::default());
    let clock = Arc::new(Clock::default());
    let (caller, calls) = channel();
    start_ticking(Arc::clone(watch), Arc::clone(&clock), caller.clone());
    let (theirs, heart) = (Arc::clone(subject), Arc::clone(&pulse));
    start("postulate-run", move || {
        let run = AssertUnwindSafe(move || task(theirs.worker(heart).as_mut()));
        // Nobody listens any more if the run was taken for hung and ended after all.
        let _ = caller.send(Call::Done(catch_unwind(run)));
    });
    let mut seen = pulse.read().0;
    let mut still_ticks = 0;
    let end = loop {
        match calls.recv().expect("the ticking thread holds a sender") {
            Call::Done(Ok(result)) => break Ok(result),
            Call::Done(Err(panic)) => resume_unwind(panic),
            Call::Tick => {
                clock.ticked.store(false, Ordering::Relaxed);
                let (now, node) = pulse.read();
                still_ticks = if now == seen { still_ticks + 1 } else { 0 };
                seen = now;
                if still_ticks >= hung_after_ticks {
                    break Err(Hung { machine: machine_name(subject.as_ref(), node) });
                }
            }
        }
    };
    clock.over.store(true, Ordering::Relaxed);
    end
}

fn start_ticking<T: Send + 'static>(
    watch: Arc<dyn Watch>,
    clock: Arc<Clock>,
    caller: Sender<Call<T>>,
) {
    start("postulate-tick", move || {
        while !clock.over.load(Ordering::Relaxed) {
            watch.tick();
            let waits = clock.ticked.swap(true, Ordering::Relaxed);
            if !waits && caller.send(Call::Tick).is_err() {
                return;
            }
        }
    });
}
