//! A scenario with a stranger among its machines, built once and run often.

use postulate::model::CustomNode;
use postulate::node::Seat;
use postulate::run::{Outcome, Panic, Subject, Worker};
use postulate::scenario::{Entry, Scenario};
use postulate::schedule::Schedule;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

/// The scenario; `T` is what the stranger is to do in a run.
pub struct Stage<T> {
    name: &'static str,
    subject: Arc<dyn Subject>,
    worker: Box<dyn Worker>,
    script: Arc<Mutex<T>>,
}

impl<T: Clone + Debug + Default + Send + 'static> Stage<T> {
    /// The scenario of the catalogue, with `stranger` as the last of its machines.
    ///
    /// # Panics
    /// If the scenario is not to be had.
    pub fn of(
        listed: &Entry,
        stranger: impl Fn(T, &Seat<'_>) -> CustomNode + Send + Sync + 'static,
    ) -> Self {
        let program = "[[program]]\nname = \"stranger\"\nmachine = \"stranger\"\n";
        let text = format!("{}\n{program}", listed.text);
        let script = Arc::<Mutex<T>>::default();
        let told = Arc::clone(&script);
        let subject = Scenario::from_toml(listed.name, &text)
            .and_then(|scenario| {
                scenario.attach("stranger", move |seat, _| {
                    stranger(told.lock().expect("nobody panics with it").clone(), seat)
                })
            })
            .and_then(Scenario::subject)
            .unwrap_or_else(|error| panic!("{error}"));
        let worker = Arc::clone(&subject).worker(Arc::default());
        Self { name: listed.name, subject, worker, script }
    }

    /// How many machines there are besides the stranger.
    pub fn others(&self) -> usize {
        self.subject.machines().len() - 1
    }

    /// Lets the stranger do what `script` says.
    ///
    /// # Panics
    /// If a machine does.
    pub fn run(&mut self, script: &T, schedule: &Schedule) {
        self.script.lock().expect("nobody panics with it").clone_from(script);
        if let Outcome::Panicked(panic) = self.worker.run(schedule).outcome {
            let machine = &self.subject.machines()[usize::from(panic.node.0)].name;
            let (name, Panic { message, location, .. }) = (self.name, *panic);
            panic!("{name}, {machine}: {message} at {location}, after {script:?}");
        }
    }
}
