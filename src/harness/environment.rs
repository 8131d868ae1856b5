//! The `POSTULATE_*` variables, and what else a test learns from around it.
#![expect(
    clippy::disallowed_methods,
    reason = "the harness is a face of the crate and reads the environment for it"
)]

use super::Files;
use crate::explore::{Recheck, Sweep};
use crate::seed::Seed;
use crate::time::Span;
use std::env::{self, VarError};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// What the environment says about sweeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Environment {
    pub(super) seed: Option<Seed>,
    /// Where the failure of the seed is explained.
    pub(super) page: Option<PathBuf>,
    schedules: Option<u64>,
    jobs: Option<NonZeroUsize>,
    time_limit: Option<Duration>,
    check_determinism: Option<bool>,
    pub(super) files: Option<Files>,
    /// The package that is tested, which cargo tells.
    pub(super) package: Option<PathBuf>,
}

/// A variable that makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}={text:?} makes no sense: write {right}")]
pub(super) struct Malformed {
    name: &'static str,
    text: String,
    right: &'static str,
}

/// A thread for every core, as far as can be told.
pub(super) fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// The name of the running test: `cargo test` calls the thread of a test by it, unless it runs them
/// one by one on the main thread.
pub(super) fn test_name() -> Option<String> {
    thread::current().name().filter(|&name| name != "main").map(str::to_owned)
}

impl Environment {
    pub(super) fn read() -> Result<Self, Malformed> {
        Self::parse(|name| match env::var(name) {
            Ok(text) => Some(text),
            Err(VarError::NotPresent) => None,
            Err(VarError::NotUnicode(text)) => Some(text.to_string_lossy().into_owned()),
        })
    }

    /// Puts what is set in the place of what was asked for.
    pub(super) fn overrule(&self, plan: &mut Sweep, time_limit: &mut Option<Duration>) {
        if let Some(schedules) = self.schedules {
            plan.schedules = schedules;
        }
        if let Some(jobs) = self.jobs {
            plan.jobs = jobs;
        }
        match self.check_determinism {
            Some(true) => plan.recheck = Recheck::All,
            Some(false) => plan.recheck = Recheck::Sample,
            None => {}
        }
        *time_limit = self.time_limit.or(*time_limit);
        if let Some(seed) = self.seed {
            (plan.from, plan.schedules) = (seed, 1);
        }
    }

    fn parse(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Malformed> {
        // A variable that is set to nothing is taken as not set, as shells make that hard to tell.
        let lookup = |name| lookup(name).filter(|text| !text.is_empty());
        let page = lookup("POSTULATE_PAGE");
        if let (Some(text), None) = (&page, lookup("POSTULATE_SEED")) {
            let right = "the seed whose failure it explains into POSTULATE_SEED";
            return Err(Malformed { name: "POSTULATE_PAGE", text: text.clone(), right });
        }
        Ok(Self {
            seed: read(&lookup, "POSTULATE_SEED", "a number such as 42 or 0x2a", |text| {
                text.parse().ok()
            })?,
            page: page.map(PathBuf::from),
            schedules: read(&lookup, "POSTULATE_SCHEDULES", "a number such as 10000", |text| {
                text.replace('_', "").parse().ok()
            })?,
            jobs: read(&lookup, "POSTULATE_JOBS", "a number of threads, at least 1", |text| {
                text.parse().ok()
            })?,
            time_limit: read(
                &lookup,
                "POSTULATE_TIME_LIMIT",
                "a time such as 30s or 5min",
                |text| text.parse().ok().map(|span: Span| Duration::from_nanos(span.nanos())),
            )?,
            check_determinism: read(&lookup, "POSTULATE_CHECK_DETERMINISM", "1 or 0", |text| {
                match text {
                    "1" | "true" | "yes" | "on" => Some(true),
                    "0" | "false" | "no" | "off" => Some(false),
                    _ => None,
                }
            })?,
            files: lookup("POSTULATE_REGRESSIONS").map(|text| match text.as_str() {
                "off" => Files::Nowhere,
                folder => Files::In(folder.into()),
            }),
            package: lookup("CARGO_MANIFEST_DIR").map(PathBuf::from),
        })
    }
}

fn read<T>(
    lookup: &impl Fn(&'static str) -> Option<String>,
    name: &'static str,
    right: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Malformed> {
    let Some(text) = lookup(name) else { return Ok(None) };
    match parse(&text) {
        Some(value) => Ok(Some(value)),
        None => Err(Malformed { name, text, right }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(set: &[(&str, &str)]) -> Result<Environment, Malformed> {
        Environment::parse(|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn what_is_set_overrules_what_was_asked_for() {
        let environment = parse(&[
            ("POSTULATE_SCHEDULES", "300_000"),
            ("POSTULATE_JOBS", "3"),
            ("POSTULATE_TIME_LIMIT", "2min"),
            ("POSTULATE_CHECK_DETERMINISM", "1"),
        ])
        .unwrap();
        let (mut plan, mut limit) = (Sweep::default(), Some(Duration::from_secs(1)));
        environment.overrule(&mut plan, &mut limit);
        assert_eq!(plan.schedules, 300_000);
        assert_eq!(plan.jobs.get(), 3);
        assert_eq!(plan.recheck, Recheck::All);
        assert_eq!(limit, Some(Duration::from_secs(120)));
    }

    #[test]
    fn what_is_not_set_changes_nothing() {
        let (mut plan, mut limit) = (Sweep::default(), Some(Duration::from_secs(1)));
        parse(&[("POSTULATE_JOBS", "")]).unwrap().overrule(&mut plan, &mut limit);
        assert_eq!((plan, limit), (Sweep::default(), Some(Duration::from_secs(1))));
    }

    #[test]
    fn a_seed_runs_alone() {
        let environment =
            parse(&[("POSTULATE_SEED", "0x2a"), ("POSTULATE_SCHEDULES", "5")]).unwrap();
        let mut plan = Sweep::default();
        environment.overrule(&mut plan, &mut None);
        assert_eq!((plan.from, plan.schedules), (Seed(42), 1));
    }

    #[test]
    fn failures_are_kept_where_it_says() {
        let files = |text| parse(&[("POSTULATE_REGRESSIONS", text)]).unwrap().files;
        assert_eq!(files("off"), Some(Files::Nowhere));
        assert_eq!(files("kept/here"), Some(Files::In("kept/here".into())));
        assert_eq!(files(""), None);
    }

    #[track_caller]
    fn check_refused(name: &str, text: &str, right: &str) {
        let error = parse(&[(name, text)]).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(right), "{error}");
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        check_refused("POSTULATE_SEED", "forty-two", "0x2a");
        check_refused("POSTULATE_SCHEDULES", "-1", "10000");
        check_refused("POSTULATE_JOBS", "0", "at least 1");
        check_refused("POSTULATE_TIME_LIMIT", "30", "30s");
        check_refused("POSTULATE_CHECK_DETERMINISM", "perhaps", "1 or 0");
        check_refused("POSTULATE_PAGE", "failure.html", "into POSTULATE_SEED");
    }
}
