//! The run that keeps its promises and has the most in common with the failing one.

use super::Bench;
use super::curve::{self, Kept};
use super::weighing::{Passing, Step};
use crate::run::{Examined, TraceEvent};
use crate::schedule::Schedule;

/// At most so many runs are compared with the failing one.
const COMPARED_MAX: usize = 48;

/// A run that holds, beside the failing one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// Its schedule.
    pub schedule: Schedule,
    /// How it comes about.
    pub by: By,
    /// How many lines of their stories they have in common.
    pub common: usize,
    /// The next line of the failing run; none if that ends there.
    pub failing: Option<TraceEvent>,
    /// The next line of the run that holds.
    pub passing: Option<TraceEvent>,
}

/// How a run that holds differs from the failing one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// It lacks the step at this place.
    Without(usize),
    /// The step at this place is another.
    Other(usize, Step),
    /// After so many events all is drawn anew.
    Redrawn(u64),
}

/// One step less or changed is nearer than many drawn anew; among equals the run that goes along
/// the longest is.
pub(super) fn nearest(
    bench: &mut Bench<'_>,
    schedule: &Schedule,
    examined: &Examined,
    passing: Vec<Passing>,
    curve: &[Kept],
) -> Option<Nearest> {
    let story = &examined.inspection.trace;
    let (others, without): (Vec<_>, Vec<_>) =
        passing.into_iter().partition(|passing| passing.other.is_some());
    let compared = without.into_iter().chain(others).take(COMPARED_MAX);
    let mut best: Option<Nearest> = None;
    for Passing { schedule, step, other } in compared {
        let by = other.map_or(By::Without(step), |other| By::Other(step, other));
        let found = compare(bench, story, schedule, by);
        if best.as_ref().is_none_or(|best| found.common > best.common) {
            best = Some(found);
        }
    }
    best.or_else(|| redrawn(bench, schedule, story, curve))
}

/// The run that is drawn anew last of all that hold.
fn redrawn(
    bench: &mut Bench<'_>,
    schedule: &Schedule,
    story: &[TraceEvent],
    curve: &[Kept],
) -> Option<Nearest> {
    let &Kept { keep, of, .. } = curve.iter().rev().find(|kept| kept.failed < kept.of)?;
    let holds = (0..of)
        .map(|number| curve::seed(schedule, number))
        .find(|&seed| bench.count().redraw(schedule, keep, seed).outcome.group() == "holds")?;
    let passing = bench.count().redrawn(schedule, keep, holds);
    Some(compare(bench, story, passing, By::Redrawn(keep)))
}

fn compare(bench: &mut Bench<'_>, story: &[TraceEvent], schedule: Schedule, by: By) -> Nearest {
    let other = bench.inspect(&schedule).trace;
    let common = story.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let (failing, passing) = (story.get(common).cloned(), other.get(common).cloned());
    Nearest { schedule, by, common, failing, passing }
}
