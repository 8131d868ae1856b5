//! The story of one seed, told by a test.

use super::Harness;
use crate::explain::{Effort, NotExplained, explain_failure};
use crate::explore::{self, Watch};
use crate::report::{Account, Explained, Paint, Paste, Replayed, explained_text, replay_text};
use crate::run::{Examined, Worker};
use crate::schedule::Schedule;
use crate::shrink::Budget;
use std::fs;
use std::path::Path;
use std::sync::Arc;

impl Harness {
    /// Explains the failure of the seed, in its smallest form, and writes `page` if one is asked
    /// for; a run that does not fail is told from start to end.
    pub(super) fn tell_story(&self, paste: &Paste, page: Option<&Path>, watch: &Arc<dyn Watch>) {
        let schedule = Schedule::seeded(self.plan.from).ordered(self.plan.strategy);
        let (ticks, budget) = (self.plan.hung_after_ticks, Some(Budget::default()));
        let effort = Effort::default();
        match explain_failure(&self.subject, &schedule, budget, effort, ticks, watch) {
            Err(hung) => println!("seed {} has no end to tell: {hung}", schedule.seed),
            Ok(Ok(explored)) => {
                let account = Account {
                    scenario: self.subject.name().to_owned(),
                    explanation: explored.explanation,
                    before: explored.before,
                    replay: paste.line(schedule.seed),
                };
                println!("{}", explained_text(&account, self.subject.as_ref(), Paint::Plain));
                if let Some(page) = page {
                    write(page, &Explained::of(&account, self.subject.as_ref()).html());
                }
            }
            Ok(Err(NotExplained::Holds | NotExplained::Unknown { .. })) => {
                self.tell_run(&schedule, watch);
            }
            Ok(Err(drifted @ NotExplained::Drifted { .. })) => {
                println!("seed {} cannot be explained: {drifted}", schedule.seed);
                self.tell_run(&schedule, watch);
            }
        }
    }

    fn tell_run(&self, schedule: &Schedule, watch: &Arc<dyn Watch>) {
        let (ticks, schedule) = (self.plan.hung_after_ticks, schedule.clone());
        let seed = schedule.seed;
        // Whoever subscribes to `tracing` gets the run as log lines too.
        let examine = move |worker: &mut dyn Worker| worker.examine(&schedule);
        match explore::with_worker(&self.subject, ticks, watch, examine) {
            Ok(Examined { inspection, .. }) => {
                let scenario = self.subject.name().to_owned();
                let replayed = Replayed { scenario, inspection, rewriting: None, recorded: None };
                println!("{}", replay_text(&replayed, self.subject.as_ref(), Paint::Plain));
            }
            Err(hung) => println!("seed {seed} has no end to tell: {hung}"),
        }
    }
}

fn write(page: &Path, text: &str) {
    match fs::write(page, text) {
        Ok(()) => println!("the page is in {}", page.display()),
        Err(error) => println!("{} cannot be written: {error}", page.display()),
    }
}
