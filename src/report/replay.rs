//! One run, told from start to end.

use super::decisions;
use super::recorded::{Recorded, recorded_text};
use super::telling::Telling;
use super::words::{Paint, Tone, count, counted, digest, field};
use crate::explore::Hung;
use crate::run::{Inspection, Outcome, Run, Subject};
use std::fmt::Write as _;

/// A run that was looked into.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The scenario as it was named.
    pub scenario: String,
    /// The run.
    pub inspection: Inspection,
    /// What came of running it again as a quiet run plus its decisions, if that was asked for.
    pub rewriting: Option<Rewriting>,
    /// The failure file that it is a replay of, if it is of one.
    pub recorded: Option<Recorded>,
}

/// What came of a run's rewritten form.
#[derive(Clone, Debug)]
pub struct Rewriting(pub Result<Run, Hung>);

impl Rewriting {
    /// Whether the rewritten run has the digest of `original`.
    pub fn same_digest(&self, original: &Run) -> bool {
        self.0.as_ref().is_ok_and(|run| run.digest == original.digest)
    }

    /// Whether the rewritten run has the verdict of `original`: the same rule, or the same panic.
    pub fn same_verdict(&self, original: &Run) -> bool {
        self.0.as_ref().is_ok_and(|run| run.outcome.group() == original.outcome.group())
    }
}

/// The story of a run: its knobs, its decisions, its events and its verdict.
pub fn replay_text(replayed: &Replayed, subject: &dyn Subject, paint: Paint) -> String {
    let Inspection { knobs, history, trace, .. } = &replayed.inspection;
    let mut text = verdict_line(replayed, paint);
    if !knobs.is_empty() {
        let listed: Vec<_> = knobs.iter().map(|(name, value)| format!("{name} {value}")).collect();
        text.push('\n');
        text.push_str(&field(2, "knobs", &listed.join(", "), paint));
    }
    text.push_str(&decisions_text(replayed, subject, paint));
    text.push_str(&title(
        &format!(
            "{} events, {} lines of history",
            count(trace.len() as u64),
            count(history.operations().len() as u64)
        ),
        paint,
    ));
    for event in trace {
        let _ = writeln!(text, "{event}");
    }
    text.push('\n');
    text.push_str(&end_text(replayed, subject, paint));
    text
}

/// The end of the story: the verdict, and what shows it.
pub fn end_text(replayed: &Replayed, subject: &dyn Subject, paint: Paint) -> String {
    verdict_line(replayed, paint) + &ending_text(replayed, subject, paint)
}

/// The story without its events.
pub fn kept_text(replayed: &Replayed, subject: &dyn Subject, paint: Paint) -> String {
    let mut text = end_text(replayed, subject, paint);
    text.push_str(&decisions_text(replayed, subject, paint));
    text
}

fn title(text: &str, paint: Paint) -> String {
    format!("\n{}\n", paint.tint(Tone::Strong, text))
}

fn decisions_text(replayed: &Replayed, subject: &dyn Subject, paint: Paint) -> String {
    let rewritten = &replayed.inspection.rewritten;
    let decided = rewritten.faults.len() + rewritten.decisions.len();
    let mut text = if decided == 0 {
        title("decisions: none, the run was quiet", paint)
    } else {
        let decisions = counted(decided as u64, "decision");
        title(&format!("a quiet run, and {decisions}"), paint)
    };
    for line in decisions::told(rewritten, subject) {
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn ending_text(replayed: &Replayed, subject: &dyn Subject, paint: Paint) -> String {
    let run = &replayed.inspection.run;
    let telling = Telling::of_outcome(&run.outcome, subject.machines());
    let mut text =
        telling.map_or_else(String::new, |telling| telling.text(subject.machines(), paint));
    text.push_str(&field(2, "digest", &digest(run.digest), paint));
    if let Some(rewriting) = &replayed.rewriting {
        text.push_str(&rewriting_text(rewriting, run, paint));
    }
    if let Some(recorded) = &replayed.recorded {
        text.push_str(&recorded_text(recorded, paint));
    }
    text
}

fn verdict_line(replayed: &Replayed, paint: Paint) -> String {
    let run = &replayed.inspection.run;
    let (tone, verdict) = match &run.outcome {
        Outcome::Holds => (Tone::Good, "holds".to_owned()),
        Outcome::Unknown { .. } => (Tone::Doubtful, "unknown".to_owned()),
        Outcome::Violated(violation) => (Tone::Bad, format!("violates {}", violation.rule)),
        Outcome::Panicked(panic) => (Tone::Bad, format!("panics at {}", panic.location)),
    };
    let name = format!("{} seed {}", replayed.scenario, run.seed);
    format!("{} {}\n", paint.tint(Tone::Strong, &name), paint.tint(tone, &verdict))
}

fn rewriting_text(rewriting: &Rewriting, original: &Run, paint: Paint) -> String {
    let (tone, text) = match &rewriting.0 {
        Err(hung) => (Tone::Bad, format!("as quiet + decisions, {hung}")),
        Ok(run) if rewriting.same_digest(original) && rewriting.same_verdict(original) => {
            let verdict = run.outcome.group();
            (Tone::Good, format!("as quiet + decisions: {verdict} again, with the same digest"))
        }
        Ok(run) => {
            let (verdict, digest) = (run.outcome.group(), digest(run.digest));
            (Tone::Bad, format!("as quiet + decisions it is another run: {verdict}, {digest}"))
        }
    };
    field(2, "rewritten", &paint.tint(tone, &text), paint)
}
