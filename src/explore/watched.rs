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
    let over = Arc::new(AtomicBool::new(false));
    let (caller, calls) = channel();
    start_ticking(Arc::clone(watch), Arc::clone(&over), caller.clone());
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
                let (now, node) = pulse.read();
                still_ticks = if now == seen { still_ticks + 1 } else { 0 };
                seen = now;
                if still_ticks >= hung_after_ticks {
                    break Err(Hung { machine: machine_name(subject.as_ref(), node) });
                }
            }
        }
    };
    over.store(true, Ordering::Relaxed);
    end
}

fn start_ticking<T: Send + 'static>(
    watch: Arc<dyn Watch>,
    over: Arc<AtomicBool>,
    caller: Sender<Call<T>>,
) {
    start("postulate-tick", move || {
        while !over.load(Ordering::Relaxed) {
            watch.tick();
            if caller.send(Call::Tick).is_err() {
                return;
            }
        }
    });
}
