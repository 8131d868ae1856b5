//! How a specimen differs from its twin, as a line of the twin's file.

use crate::scenario::Entry;
use std::fmt;

/// The one line that makes a specimen.
///
/// Shown as in a unified diff:
///
/// ```
/// use postulate::zoo::Specimen;
///
/// let specimen = Specimen::named("volatile-dedup-set").expect("a specimen of the zoo");
/// let shown = specimen.difference()?.to_string();
/// assert!(shown.starts_with("--- scenarios/exactly-once-pipe.toml\n"), "{shown}");
/// assert!(shown.ends_with("\n-dedup = \"inbox\"\n+dedup = \"memory\"\n"), "{shown}");
/// # Ok::<(), postulate::scenario::ScenarioError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The file of the twin.
    pub file: String,
    /// The section that the line stands in, if it stands in one.
    pub section: Option<String>,
    /// Which line of the twin's file it replaces, from 1; which it follows if it is added.
    pub line: usize,
    /// The line as the twin has it; none if the twin leaves it at its default.
    pub before: Option<String>,
    /// The line as the specimen has it.
    pub after: String,
}

impl Difference {
    /// The line of the text of `twin` that states `key`, or behind which it would be stated.
    ///
    /// # Panics
    /// If the text has not even the section.
    pub(super) fn of(twin: &Entry, key: &str, value: &str) -> Self {
        let (section, name) = match key.rsplit_once('.') {
            Some((section, name)) => (Some(section), name),
            None => (None, key),
        };
        let lines: Vec<_> = twin.text.lines().collect();
        let is_header = |line: &&str| line.starts_with('[');
        let start = match section {
            None => 0,
            Some(section) => {
                let header = format!("[{section}]");
                let place = lines.iter().position(|line| *line == header);
                1 + place.unwrap_or_else(|| panic!("{} has no {header}", twin.name))
            }
        };
        let size = lines[start..].iter().take_while(|line| !is_header(line)).count();
        let body = &lines[start..start + size];
        let states = |line: &&str| line.split_once('=').is_some_and(|(key, _)| key.trim() == name);
        // A comment before the next header belongs to that one.
        let last = |line: &&str| !line.is_empty() && !line.starts_with('#');
        let stated = body.iter().position(states);
        let behind = body.iter().rposition(last).map_or(start, |last| start + last + 1);
        Self {
            file: format!("scenarios/{}.toml", twin.name),
            section: section.map(str::to_owned),
            line: stated.map_or(behind, |place| start + place + 1),
            before: stated.map(|place| body[place].to_owned()),
            after: format!("{name} = {value}"),
        }
    }

    /// `text` with the line changed.
    pub fn apply(&self, text: &str) -> String {
        let kept = self.line - usize::from(self.before.is_some());
        let mut lines: Vec<_> = text.lines().collect();
        lines.splice(kept..self.line, [self.after.as_str()]);
        lines.join("\n") + "\n"
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, section, line, before, after } = self;
        writeln!(f, "--- {file}")?;
        match before {
            Some(_) => write!(f, "@@ -{line} +{line} @@")?,
            None => write!(f, "@@ -{line},0 +{} @@", line + 1)?,
        }
        match section {
            Some(section) => writeln!(f, " [{section}]")?,
            None => writeln!(f)?,
        }
        if let Some(before) = before {
            writeln!(f, "-{before}")?;
        }
        writeln!(f, "+{after}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::zoo::zoo;

    #[test]
    fn the_twin_with_the_line_changed_is_the_specimen() {
        for specimen in zoo() {
            let twin = Entry::named(specimen.twin).unwrap();
            let text = specimen.difference().unwrap().apply(twin.text);
            let mut changed = Scenario::from_toml(specimen.twin, &text).unwrap();
            specimen.id.clone_into(&mut changed.name);
            let planted = specimen.scenario().unwrap();
            assert_eq!(format!("{changed:#?}"), format!("{planted:#?}"), "{}", specimen.id);
        }
    }

    const TWIN: Entry = Entry {
        name: "twin",
        text: "name = \"twin\"\n\n[broker]\nfsync = \"never\"\n\n# Why.\n[disk]\nsync = 1\n",
    };

    #[track_caller]
    fn check(key: &str, shown: &str, applied: &str) {
        let difference = Difference::of(&TWIN, key, "9");
        assert_eq!(difference.to_string(), format!("--- scenarios/twin.toml\n{shown}"));
        let changed = difference.apply(TWIN.text);
        assert!(changed.contains(applied), "{changed}");
    }

    #[test]
    fn a_stated_line_is_replaced_and_another_added_at_the_end_of_its_section() {
        check(
            "broker.fsync",
            "@@ -4 +4 @@ [broker]\n-fsync = \"never\"\n+fsync = 9\n",
            "]\nfsync = 9\n\n#",
        );
        check("broker.lag", "@@ -4,0 +5 @@ [broker]\n+lag = 9\n", "\"never\"\nlag = 9\n\n#");
        check("disk.size", "@@ -8,0 +9 @@ [disk]\n+size = 9\n", "sync = 1\nsize = 9\n");
        check("name", "@@ -1 +1 @@\n-name = \"twin\"\n+name = 9\n", "name = 9\n\n[broker]");
    }
}
