//! The failure files of a test: replayed before it sweeps, written when it fails.

use crate::explore::{self, Captured, Inquiry, Sweep, Swept, Watch};
use crate::files::read_at_most;
use crate::regression::{BYTES_MAX, Failure, Origin, Regression, RegressionError, folder};
use crate::report::{Paint, Recorded, Replayed, kept_text, recorded_text};
use crate::run::{Outcome, Subject};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

/// The folder below which failures are kept unless a test or its environment says otherwise.
pub(super) const FOLDER: &str = "postulate-regressions";

/// How the name of a failure file ends.
const EXTENSION: &str = "json";

/// Where a test keeps its failures.
pub(super) struct Keep<'a> {
    pub(super) subject: &'a Arc<dyn Subject>,
    pub(super) plan: &'a Sweep,
    pub(super) watch: &'a Arc<dyn Watch>,
    /// The folder of all scenarios.
    pub(super) folder: PathBuf,
    /// Whether violations are what the test is there for.
    pub(super) expects_violation: bool,
}

/// Why a test fails before it sweeps.
#[derive(Debug, thiserror::Error)]
pub(super) enum Complaint {
    /// A failure is still there.
    #[error("a failure that is kept reproduces\n\n{0}")]
    Reproduced(String),
    /// A file is no failure file of this system.
    #[error(transparent)]
    Wrong(#[from] RegressionError),
    /// The folder or a file cannot be read.
    #[error("the failures kept in {path} cannot be read: {error}")]
    Unreadable { path: String, error: io::Error },
}

impl Keep<'_> {
    /// Replays every file; gives what is wrong, and tells the rest.
    pub(super) fn replay(&self) -> Vec<Complaint> {
        let paths = match self.paths() {
            Ok(paths) => paths,
            Err(complaint) => return vec![complaint],
        };
        let replayed = paths.iter().map(|path| self.replay_file(path));
        replayed.filter_map(Result::err).collect()
    }

    /// Writes an example of every bug; gives the files by what they are examples of.
    pub(super) fn write(&self, swept: &Swept, inquiries: &[Inquiry]) -> BTreeMap<String, String> {
        let is_wanted = |failure: &Failure| {
            !self.expects_violation || !matches!(failure, Failure::Violation { .. })
        };
        let origin = Origin::named(self.subject.name());
        let captured = explore::capture(self.subject, swept, inquiries, &origin, self.watch);
        let mut files = BTreeMap::new();
        for Captured { what, regression } in captured {
            if !is_wanted(&regression.failure) {
                continue;
            }
            let path = self.folder.join(regression.path());
            let written = path.parent().map_or(Ok(()), fs::create_dir_all);
            let written = written.and_then(|()| fs::write(&path, regression.text()));
            match written {
                Ok(()) => _ = files.insert(what, path.display().to_string()),
                Err(error) => println!("{} cannot be written: {error}", path.display()),
            }
        }
        files
    }

    /// The files of the subject, by name.
    fn paths(&self) -> Result<Vec<PathBuf>, Complaint> {
        let folder = self.folder.join(folder(self.subject.name()));
        let wrong = |error| unreadable(&folder, error);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(wrong)?,
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(wrong)?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn replay_file(&self, path: &Path) -> Result<(), Complaint> {
        let file = path.display().to_string();
        let bytes = read_at_most(path, BYTES_MAX).map_err(|error| unreadable(path, error))?;
        let regression = Regression::parse(&file, &bytes)?;
        regression.belongs(&file, self.subject.as_ref())?;
        let (schedule, ticks) = (regression.schedule.clone(), self.plan.hung_after_ticks);
        let inspection = match explore::inspect(self.subject, &schedule, ticks, self.watch) {
            Ok(inspection) => inspection,
            Err(hung) => {
                let comparison = regression.compare_hung(&hung.machine);
                let recorded = Recorded { file, regression, comparison };
                return Err(Complaint::Reproduced(recorded_text(&recorded, Paint::Plain)));
            }
        };
        let comparison = regression.compare(self.subject.as_ref(), &inspection);
        let recorded = Recorded { file, regression, comparison };
        let fails = match inspection.run.outcome {
            Outcome::Holds | Outcome::Unknown { .. } => false,
            Outcome::Violated(_) => !self.expects_violation,
            Outcome::Panicked(_) => true,
        };
        if !fails {
            println!("{}", recorded_text(&recorded, Paint::Plain));
            return Ok(());
        }
        let scenario = self.subject.name().to_owned();
        let recorded = Some(recorded);
        let replayed = Replayed { scenario, inspection, rewriting: None, recorded };
        Err(Complaint::Reproduced(kept_text(&replayed, self.subject.as_ref(), Paint::Plain)))
    }
}

fn unreadable(path: &Path, error: io::Error) -> Complaint {
    Complaint::Unreadable { path: path.display().to_string(), error }
}
