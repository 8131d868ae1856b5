//! How likely the failure was after each event of the run.

use super::{Bench, Effort};
use crate::digest::fold;
use crate::run::{Chronicle, Moment, MomentKind};
use crate::schedule::Schedule;
use crate::seed::Seed;

/// How often a run fails if its first events are kept and the rest is drawn anew.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// How many events are kept.
    pub keep: u64,
    /// How many of the runs failed in the same way.
    pub failed: u32,
    /// How many runs were made.
    pub of: u32,
}

/// Where the failure became likely.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Rise {
    /// The moment, by its place in the chronicle.
    pub moment: usize,
    /// How often runs fail that begin like this one up to it.
    pub before: Kept,
    /// How often those fail in which it has happened as well.
    pub after: Kept,
}

/// Draws the curve of a failure in `group` after `events` events.
pub(super) fn draw(
    bench: &mut Bench<'_>,
    schedule: &Schedule,
    (events, group): (u64, &str),
    effort: Effort,
) -> Vec<Kept> {
    let mut kept = |keep| {
        let failed = (0..effort.redraws).filter(|&number| {
            // The same seeds at each point: neighbours then differ by what happened, not by luck.
            let seed = seed(schedule, number);
            bench.count().redraw(schedule, keep, seed).outcome.group() == group
        });
        Kept { keep, failed: failed.count() as u32, of: effort.redraws }
    };
    let points = u64::from(effort.points.max(2)).min(events + 1).max(2);
    let mut evenly: Vec<u64> = (0..points).map(|point| events * point / (points - 1)).collect();
    evenly.dedup();
    let mut curve: Vec<Kept> = evenly.into_iter().map(&mut kept).collect();
    // Where it is steepest it is drawn event by event, by halves.
    while let Some(place) = steepest(&curve) {
        let (before, after) = (curve[place].keep, curve[place + 1].keep);
        if after - before < 2 {
            break;
        }
        curve.insert(place + 1, kept(before.midpoint(after)));
    }
    curve
}

/// The place before the greatest step up; the first of equals.
fn steepest(curve: &[Kept]) -> Option<usize> {
    let steps = curve.windows(2).map(|pair| pair[1].failed.saturating_sub(pair[0].failed));
    let (place, step) = steps.enumerate().rev().max_by_key(|&(_, step)| step)?;
    (step > 0).then_some(place)
}

/// The `number`-th seed for the rest of a run.
pub(super) fn seed(schedule: &Schedule, number: u32) -> Seed {
    Seed(fold(schedule.seed.0 ^ 0x517c_c1b7_2722_0a95, u64::from(number) << 1 | 1))
}

/// The greatest step up of the curve; none if it is flat.
pub(super) fn rise(curve: &[Kept], chronicle: &Chronicle) -> Option<Rise> {
    let place = steepest(curve)?;
    let (before, after) = (curve[place], curve[place + 1]);
    // A fault that strikes by the clock between two events is kept with the later one, and rather
    // than that is what happened.
    let strikes = |moment: &Moment| {
        let is_between = (before.keep..after.keep).contains(&moment.events);
        moment.kind == MomentKind::Fault && moment.causes.is_empty() && is_between
    };
    let strike = chronicle.moments.iter().position(strikes);
    let moment = strike.or_else(|| chronicle.newest(after.keep))?;
    Some(Rise { moment, before, after })
}
