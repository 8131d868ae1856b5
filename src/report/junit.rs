//! A sweep as a test suite in JUnit's XML, as build servers read it.
//!
//! The first case is the sweep as a whole: it fails if a promise was broken, and is an *error* if
//! nothing can be concluded, for a build that shows nothing must not look like one that passed.
//! Each distinct bug is one more case, which fails.

use super::bugs::{bug_text, bugs_of, kind_text, lowest_text};
use super::exhausted::{self, exhausted_text};
use super::json::cut;
use super::sweep::{Sight, again, at_stake, bound, doubt_text, headline, sweep_text};
use super::telling::Telling;
use super::words::{Paint, digest};
use crate::explore::{Conclusion, Exhausted, Finding, Group, Hits, Search, Swept};
use crate::id::SiteId;
use crate::run::Subject;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::fmt::Write as _;

/// The name of the case that stands for the sweep as a whole.
const WHOLE: &str = "keeps its promises";

/// A sweep as a test suite.
pub fn sweep_junit(swept: &Swept, subject: &dyn Subject, sight: &Sight) -> String {
    let suite = Suite { swept, subject, sight, search: Search::Seeds(swept.plan.strategy) };
    let cases = swept.groups.iter().flat_map(|group| suite.cases(group));
    suite.xml(cases, &[], &sweep_text(swept, subject, sight, Paint::Plain))
}

/// An exhaustive search as a test suite.
pub fn exhausted_junit(exhausted: &Exhausted, subject: &dyn Subject, sight: &Sight) -> String {
    let Exhausted { search, swept, examples, .. } = exhausted;
    let suite = Suite { swept, subject, sight, search: Search::Exhaustive(search.steps) };
    let groups = swept.groups.iter().zip(examples);
    let cases = groups.map(|(group, example)| {
        let text = exhausted::group_text(group, example, subject, sight, Paint::Plain);
        let telling = Telling::of_finding(&group.finding, subject.machines());
        suite.case(&group.name, group, &telling, text)
    });
    let steps = exhausted.complete_steps().map_or("none".to_owned(), |steps| steps.to_string());
    let facts = [("complete", steps)];
    suite.xml(cases, &facts, &exhausted_text(exhausted, subject, sight, Paint::Plain))
}

struct Suite<'a> {
    swept: &'a Swept,
    subject: &'a dyn Subject,
    sight: &'a Sight,
    search: Search,
}

impl Suite<'_> {
    fn xml(
        &self,
        cases: impl Iterator<Item = TestCase>,
        facts: &[(&str, String)],
        text: &str,
    ) -> String {
        let mut suite = TestSuite::new(&self.sight.scenario);
        for (name, fact) in self.facts().iter().chain(facts) {
            suite.add_property((*name, fact.as_str()));
        }
        for (name, hits) in self.coverage() {
            let Hits { runs, times } = hits;
            suite.add_property((name, format!("{runs} runs, {times} times")));
        }
        suite.add_test_case(self.whole());
        suite.add_test_cases(cases);
        suite.set_time(self.sight.wall);
        suite.set_system_out(text);
        let mut report = Report::new("postulate");
        report.set_time(self.sight.wall);
        report.add_test_suite(suite);
        report.to_string().expect("a report is made of strings and numbers")
    }

    /// The sweep as one case.
    fn whole(&self) -> TestCase {
        let verdict = headline(self.swept, &self.sight.scenario, Paint::Plain);
        let mut why = verdict.clone();
        let (kind, word) = match self.swept.conclusion() {
            Conclusion::Holds => (None, "holds"),
            Conclusion::Violated => (Some(NonSuccessKind::Failure), "violated"),
            Conclusion::Nondeterministic => (Some(NonSuccessKind::Error), "nondeterministic"),
            Conclusion::Unknown => (Some(NonSuccessKind::Error), "unknown"),
        };
        for &doubt in &self.swept.doubts {
            let _ = writeln!(why, "{}", doubt_text(doubt));
        }
        let _ = writeln!(why, "{}", again(self.swept, self.sight, self.search));
        let status = kind.map_or_else(TestCaseStatus::success, |kind| {
            let mut status = TestCaseStatus::non_success(kind);
            status.set_type(word).set_message(verdict.trim_end()).set_description(why);
            status
        });
        let mut whole = TestCase::new(WHOLE, status);
        whole.set_classname(&self.sight.scenario).set_time(self.sight.wall);
        whole
    }

    /// A case for each bug that a kind of failure is, or one for all of a kind of which no bug is
    /// known.
    fn cases(&self, group: &Group) -> Vec<TestCase> {
        let Self { subject, sight, .. } = *self;
        let kind = kind_text(group, sight, Paint::Plain);
        let bugs = (1..).zip(bugs_of(group, sight)).map(|(number, bug)| {
            let text = bug_text(number, bug, subject, sight, Paint::Plain);
            let outcome = &bug.smallest.run.outcome;
            let telling = Telling::of_outcome(outcome, subject.machines())
                .unwrap_or_else(|| Telling::of_finding(&group.finding, subject.machines()));
            self.case(&bug.signature.to_string(), group, &telling, format!("{kind}{text}"))
        });
        let cases: Vec<_> = bugs.collect();
        if !cases.is_empty() {
            return cases;
        }
        let telling = Telling::of_finding(&group.finding, subject.machines());
        let text = kind + &lowest_text(group, subject, sight, Paint::Plain);
        vec![self.case(&group.name, group, &telling, text)]
    }

    fn case(&self, name: &str, group: &Group, telling: &Telling, text: String) -> TestCase {
        let mut status = match group.finding {
            Finding::Violated(_) | Finding::Panicked(_) | Finding::Hung { .. } => {
                TestCaseStatus::non_success(NonSuccessKind::Failure)
            }
            Finding::Nondeterministic(_) => TestCaseStatus::non_success(NonSuccessKind::Error),
            // Few such runs do no harm; if they are many, the sweep as a whole is an error.
            Finding::Unknown { .. } => TestCaseStatus::skipped(),
        };
        let message = format!("expected: {}; observed: {}", telling.expected, telling.observed);
        status.set_type(&group.name).set_message(message).set_description(text);
        let mut case = TestCase::new(name, status);
        case.set_classname(&self.sight.scenario);
        case
    }

    /// What is known of the sweep, and all that it takes to run it again.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let (swept, tally) = (self.swept, &self.swept.tally);
        let millis = (self.sight.wall.as_millis() as u64).max(1);
        let rate = |number: u64| (number.saturating_mul(1_000) / millis).to_string();
        let mut facts = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        if let Search::Seeds(_) = self.search {
            facts.push(("seeds", seeds(swept)));
        }
        facts.extend([
            ("schedules", tally.schedules.to_string()),
            ("asked", swept.plan.schedules.to_string()),
            ("strategy", self.search.to_string()),
            ("digest", digest(tally.digest)),
            ("jobs", swept.plan.jobs.to_string()),
            ("schedules-per-second", rate(tally.schedules)),
            ("messages-per-second", rate(tally.delivered)),
            ("failures", tally.failures().to_string()),
            ("rechecked", tally.rechecked.to_string()),
            ("messages", tally.delivered.to_string()),
            ("sends", format!("{} invoked, {} acknowledged", tally.invoked, tally.acknowledged)),
            ("effects", tally.effects.to_string()),
        ]);
        facts.extend(swept.cut.map(|why| ("cut", cut(why).to_owned())));
        if let (Search::Seeds(_), Conclusion::Holds) = (self.search, swept.conclusion()) {
            facts.extend(bound(tally.held).map(|bound| ("bound", bound.to_string())));
        }
        facts.push(("again", again(self.swept, self.sight, self.search)));
        facts
    }

    fn coverage(&self) -> Vec<(String, Hits)> {
        let tally = &self.swept.tally;
        let faults = at_stake(self.swept);
        let faults = faults.map(|class| (format!("fault.{}", class.slug()), tally.bites(class)));
        let sites = self.subject.sites().iter().enumerate();
        let sites =
            sites.map(|(site, name)| (format!("site.{name}"), tally.reached(SiteId(site as u8))));
        faults.chain(sites).collect()
    }
}

fn seeds(swept: &Swept) -> String {
    let from = swept.plan.from;
    match swept.tally.schedules {
        0 => "none".to_owned(),
        1 => from.to_string(),
        more => format!("{from} to {:#x}", from.0.wrapping_add(more - 1)),
    }
}
