//! Nondeterminism as data: the key of every choice, what was chosen, and who answers.

use crate::digest::fold;
use crate::id::NodeId;
use crate::seed::{KeyedHash, Ratio, Seed};
use crate::time::Span;
pub use flips::Flips;
use serde::{Deserialize, Serialize};
use std::fmt;

mod flips;

/// Where a choice is made.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Site {
    /// The fate of a message: the n-th of its kind on its link.
    Message,
    /// What of the data in flight a broken connection still delivers.
    Break,
    /// How late an end learns that its connection is gone.
    Notice,
    /// How late a timer fires; the kind is the timer.
    Timer,
    /// How a sync ends; the kind is the file.
    Sync,
    /// How an append reaches the disk; the kind is the file.
    Append,
    /// How many unsynced operations a power cut undoes; the kind is the file.
    PowerCut,
    /// Whether a power cut tears the last surviving record; the kind is the file.
    Tear,
    /// After which action a crash falls.
    CrashPoint,
    /// A choice of a node's own; the kind is the node's site.
    Node,
    /// A knob of the system; the kind is the knob.
    Knob,
    /// The drift of a machine's monotonic clock.
    Drift,
    /// The offset of a machine's wall clock.
    Offset,
}

const SITES: [Site; 13] = [
    Site::Message,
    Site::Break,
    Site::Notice,
    Site::Timer,
    Site::Sync,
    Site::Append,
    Site::PowerCut,
    Site::Tear,
    Site::CrashPoint,
    Site::Node,
    Site::Knob,
    Site::Drift,
    Site::Offset,
];

/// Who a choice is about.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// The link from one machine to another.
    Link(NodeId, NodeId),
    /// A machine in one of its incarnations.
    Node(NodeId, u16),
    /// The run as a whole.
    Run,
}

/// The logical name of a choice: site, actor, kind, and the how-manieth of these.
///
/// It never contains a global step number, so an unrelated edit of the system leaves it standing.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64);

const OCCURRENCE_BITS: u32 = 25;
const ACTOR_SHIFT: u32 = OCCURRENCE_BITS;
const KIND_SHIFT: u32 = ACTOR_SHIFT + 26;
const SITE_SHIFT: u32 = KIND_SHIFT + 8;
const LINK: u64 = 1 << 24;
const RUN: u64 = 2 << 24;

impl Key {
    /// The key of the `occurrence`-th choice of `kind` by `actor` at `site`, counting from 0.
    pub const fn new(site: Site, actor: Actor, kind: u8, occurrence: u32) -> Self {
        let actor = match actor {
            Actor::Link(from, to) => LINK | (from.0 as u64 & 0xfff) << 12 | to.0 as u64 & 0xfff,
            Actor::Node(node, incarnation) => {
                (node.0 as u64 & 0xfff) << 12 | incarnation as u64 & 0xfff
            }
            Actor::Run => RUN,
        };
        Self(
            (site as u64) << SITE_SHIFT
                | (kind as u64) << KIND_SHIFT
                | actor << ACTOR_SHIFT
                | occurrence as u64 & ((1 << OCCURRENCE_BITS) - 1),
        )
    }

    /// Where the choice is made.
    pub const fn site(self) -> Site {
        SITES[(self.0 >> SITE_SHIFT) as usize]
    }

    /// Who it is about.
    pub const fn actor(self) -> Actor {
        let bits = self.0 >> ACTOR_SHIFT & 0x3ff_ffff;
        let (high, low) = ((bits >> 12 & 0xfff) as u16, (bits & 0xfff) as u16);
        if bits & RUN != 0 {
            Actor::Run
        } else if bits & LINK != 0 {
            Actor::Link(NodeId(high), NodeId(low))
        } else {
            Actor::Node(NodeId(high), low)
        }
    }

    /// What kind of message, timer, file or knob it is about.
    pub const fn kind(self) -> u8 {
        (self.0 >> KIND_SHIFT) as u8
    }

    /// The how-manieth it is, counting from 0.
    pub const fn occurrence(self) -> u32 {
        (self.0 & ((1 << OCCURRENCE_BITS) - 1)) as u32
    }

    pub(crate) const fn word(self) -> u64 {
        self.0
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "Key", deny_unknown_fields)]
struct SpelledKey {
    site: Site,
    actor: Actor,
    kind: u8,
    occurrence: u32,
}

impl Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SpelledKey {
            site: self.site(),
            actor: self.actor(),
            kind: self.kind(),
            occurrence: self.occurrence(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let SpelledKey { site, actor, kind, occurrence } = SpelledKey::deserialize(deserializer)?;
        let key = Self::new(site, actor, kind, occurrence);
        if key.actor() != actor || key.occurrence() != occurrence {
            return Err(serde::de::Error::custom(
                "a key names machines and incarnations below 4096 and occurrences below 2^25",
            ));
        }
        Ok(key)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} {:?} kind {} #{}",
            self.site(),
            self.actor(),
            self.kind(),
            self.occurrence()
        )
    }
}

/// What was chosen, in terms of what happens. The quiet choice is the absence of a decision.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The message never arrives.
    Lost,
    /// It happens this much later than its quiet time.
    Late(Span),
    /// The message arrives twice, each copy this much later than its quiet time.
    Twice {
        /// The first copy.
        late: Span,
        /// The second copy.
        again: Span,
    },
    /// The message arrives with a bit flipped.
    Corrupted {
        /// Which bit, modulo their number.
        bit: u64,
        /// How much later than its quiet time.
        late: Span,
    },
    /// On a link that carries bytes, the message's frame arrives with bits flipped.
    Garbled {
        /// Which bits of the frame, modulo their number.
        bits: Flips,
        /// How much later than its quiet time.
        late: Span,
    },
    /// A broken connection delivers nothing that would arrive later than this after the break.
    OnlyWithin(Span),
    /// The crash falls after this many further actions of the machine.
    AfterAction(u32),
    /// The last so many unsynced operations of the file are undone.
    Undone(u32),
    /// The last surviving unsynced record is half written.
    Torn,
    /// The sync reports an error and what it covered will never be written.
    Failed(Span),
    /// The sync reports success and has written nothing.
    Lied(Span),
    /// The record never reaches the disk although syncs report success.
    Missed,
    /// The record overwrites the one this many places before it.
    Misdirected(u32),
    /// This alternative instead of the first.
    Value(u64),
    /// The clock runs off by this much: parts per million of drift, nanoseconds of offset.
    Skew(i64),
}

impl Choice {
    /// Corrects its lateness to what came of it.
    fn happen(&mut self, instance: Instance, realised: Span) {
        match (self, instance) {
            (
                Self::Late(late)
                | Self::Corrupted { late, .. }
                | Self::Garbled { late, .. }
                | Self::Failed(late)
                | Self::Lied(late)
                | Self::Twice { late, .. },
                Instance::First,
            )
            | (Self::Twice { again: late, .. }, Instance::Again) => *late = realised,
            _ => {}
        }
    }
}

/// Which of the two that a doubled message becomes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Instance {
    First,
    Again,
}

/// How a key is answered.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Answer {
    Quiet,
    Draw(u64),
    Decided(Choice),
}

/// A moment of a run at which something else could have happened.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Every machine has booted, and nothing was handled yet.
    Start,
    /// A choice was asked for.
    Asked {
        /// Its key.
        key: Key,
        /// Among how many alternatives, the quiet one included, if they are counted.
        among: Option<u64>,
    },
    /// A machine has handled an event.
    Handled {
        /// The machine.
        node: NodeId,
        /// How many it has handled by now, counted over the run.
        events: u32,
    },
}

/// Answers every choice of a run: from explicit decisions first, then from the seed or the quiet
/// default.
#[derive(Debug, Default)]
pub struct Decider {
    hash: KeyedHash,
    source: Source,
    decisions: Vec<(Key, Choice)>,
    met: Vec<bool>,
    taken: Option<Vec<(Key, Choice)>>,
    openings: Option<Vec<Opening>>,
    calm: bool,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, Default)]
enum Source {
    #[default]
    Quiet,
    Seeded,
    Explicit,
    ExplicitOrSeeded,
}

impl Decider {
    pub(crate) fn reset(
        &mut self,
        seed: Seed,
        seeded: bool,
        decisions: impl Iterator<Item = (Key, Choice)>,
        record: bool,
    ) {
        self.hash = KeyedHash::new(seed);
        self.decisions.clear();
        self.decisions.extend(decisions);
        self.decisions.sort_unstable_by_key(|&(key, _)| key);
        self.met.clear();
        self.met.resize(self.decisions.len(), false);
        self.source = match (self.decisions.is_empty(), seeded) {
            (true, false) => Source::Quiet,
            (true, true) => Source::Seeded,
            (false, false) => Source::Explicit,
            (false, true) => Source::ExplicitOrSeeded,
        };
        self.taken = record.then(Vec::new);
        self.openings = None;
        self.calm = false;
    }

    /// From here on `seed` answers, and nothing is decided any more.
    pub(crate) fn redraw(&mut self, seed: Seed) {
        self.hash = KeyedHash::new(seed);
        self.source = Source::Seeded;
    }

    /// From here on every opening is written down. No answer is another for it: the sources that
    /// look nothing up become those that do.
    pub(crate) fn write_openings(&mut self) {
        self.openings = Some(Vec::new());
        self.source = match self.source {
            Source::Quiet | Source::Explicit => Source::Explicit,
            Source::Seeded | Source::ExplicitOrSeeded => Source::ExplicitOrSeeded,
        };
    }

    /// Writes an opening down, if openings are: after the heal there is none.
    pub(crate) fn opens(&mut self, opening: Opening) {
        if let Some(openings) = &mut self.openings
            && !self.calm
        {
            openings.push(opening);
        }
    }

    /// What was asked for last is one of `among` alternatives.
    fn counts(&mut self, key: Key, alternatives: u64) {
        let last = self.openings.as_mut().and_then(|openings| openings.last_mut());
        if let Some(Opening::Asked { key: asked, among }) = last
            && *asked == key
        {
            *among = Some(alternatives);
        }
    }

    /// The openings since [`write_openings`](Self::write_openings).
    pub(crate) fn openings(&mut self) -> Vec<Opening> {
        self.openings.take().unwrap_or_default()
    }

    /// From here on every choice is the quiet one, and what still comes late does so because of
    /// what was late before.
    pub(crate) fn calm(&mut self) {
        self.source = Source::Quiet;
        self.calm = true;
    }

    /// As [`ask`](Self::ask), for one of `alternatives`.
    #[inline]
    pub(crate) fn ask_among(&mut self, alternatives: u64, key: Key) -> Answer {
        let answer = self.ask(key);
        if self.openings.is_some() {
            self.counts(key, alternatives);
        }
        answer
    }

    #[inline]
    pub(crate) fn ask(&mut self, key: Key) -> Answer {
        match self.source {
            Source::Quiet => Answer::Quiet,
            Source::Seeded => Answer::Draw(self.hash.draw(key.word())),
            Source::Explicit | Source::ExplicitOrSeeded => self.look_up(key),
        }
    }

    /// Whether a choice can be anything but quiet: one that a seed draws only if it `draws` at all.
    #[inline]
    pub(crate) fn is_asked(&self, draws: bool) -> bool {
        match self.source {
            Source::Quiet => false,
            Source::Seeded => draws,
            Source::Explicit | Source::ExplicitOrSeeded => true,
        }
    }

    /// As [`ask`](Self::ask), for a choice that a seed draws only if it `draws` at all.
    #[inline]
    pub(crate) fn ask_if(&mut self, draws: bool, key: Key) -> Answer {
        if self.is_asked(draws) { self.ask(key) } else { Answer::Quiet }
    }

    #[cold]
    fn look_up(&mut self, key: Key) -> Answer {
        self.opens(Opening::Asked { key, among: None });
        match self.decisions.binary_search_by_key(&key, |&(key, _)| key) {
            Ok(found) => {
                self.met[found] = true;
                Answer::Decided(self.decisions[found].1)
            }
            Err(_) if self.source == Source::ExplicitOrSeeded => {
                Answer::Draw(self.hash.draw(key.word()))
            }
            Err(_) => Answer::Quiet,
        }
    }

    /// Notes that `choice` was carried out at `key`.
    #[inline]
    pub(crate) fn took(&mut self, key: Key, choice: Choice) {
        if let Some(taken) = &mut self.taken
            && !self.calm
        {
            taken.push((key, choice));
        }
    }

    /// Notes that what was chosen at `key` happened so much later than its quiet time after all.
    pub(crate) fn happened(&mut self, key: Key, instance: Instance, realised: Span) {
        let Some(taken) = &mut self.taken else { return };
        match taken.iter().rposition(|(other, _)| *other == key) {
            Some(place) => {
                taken[place].1.happen(instance, realised);
                if taken[place].1 == Choice::Late(Span::ZERO) {
                    taken.remove(place);
                }
            }
            None if realised != Span::ZERO => taken.push((key, Choice::Late(realised))),
            None => {}
        }
    }

    /// What was carried out at `key` is told otherwise.
    pub(crate) fn forget(&mut self, key: Key) {
        self.taken.iter_mut().for_each(|taken| taken.retain(|(other, _)| *other != key));
    }

    /// One of `bound` alternatives, 0 being the quiet one.
    pub(crate) fn alternative(&mut self, key: Key, bound: u64) -> u64 {
        let value = match self.ask_among(bound, key) {
            Answer::Draw(draw) => below(draw, bound),
            Answer::Decided(Choice::Value(value)) => value.min(bound.saturating_sub(1)),
            Answer::Quiet | Answer::Decided(_) => 0,
        };
        if value != 0 {
            self.took(key, Choice::Value(value));
        }
        value
    }

    /// Whether something happens whose probability is `ratio`; that it does not is the quiet
    /// choice.
    pub(crate) fn chance(&mut self, key: Key, ratio: Ratio) -> bool {
        let happens = match self.ask_among(2, key) {
            Answer::Draw(draw) => below(draw, 1 << 32) < ratio.of(1 << 32),
            Answer::Decided(choice) => matches!(choice, Choice::Value(1..)),
            Answer::Quiet => false,
        };
        if happens {
            self.took(key, Choice::Value(1));
        }
        happens
    }

    /// The priority of what goes by `name` in a race, drawn for the `round`-th time.
    pub(crate) fn priority(&self, name: u64, round: u32) -> u64 {
        self.hash.draw(fold(name ^ 0x9e6c_63d0_876a_68c5, u64::from(round) << 1 | 1))
    }

    /// A draw that decides nothing by itself: it parametrises the profile of a seeded run.
    pub(crate) fn parameter(&self, key: Key) -> u64 {
        self.hash.draw(!key.word())
    }

    /// The decisions taken since the reset, if they were to be recorded.
    pub(crate) fn taken(&mut self) -> Option<Vec<(Key, Choice)>> {
        self.taken.take()
    }

    /// The explicit decisions that no choice of the run met.
    pub(crate) fn unmet(&self) -> impl Iterator<Item = Key> {
        self.decisions.iter().zip(&self.met).filter(|&(_, &met)| !met).map(|(&(key, _), _)| key)
    }
}

/// `draw` scaled to `0..bound`.
#[inline]
pub(crate) const fn below(draw: u64, bound: u64) -> u64 {
    ((draw as u128 * bound as u128) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(site: Site, actor: Actor, kind: u8, occurrence: u32) {
        let key = Key::new(site, actor, kind, occurrence);
        assert_eq!(
            (key.site(), key.actor(), key.kind(), key.occurrence()),
            (site, actor, kind, occurrence)
        );
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<Key>(&text).unwrap(), key, "{text}");
    }

    #[test]
    fn a_key_tells_all_that_went_into_it() {
        for site in SITES {
            check(site, Actor::Link(NodeId(4_095), NodeId(0)), 255, 0);
            check(site, Actor::Node(NodeId(4_095), 4_095), 0, (1 << 25) - 1);
            check(site, Actor::Run, 7, 3);
        }
    }

    #[test]
    fn explicit_decisions_come_before_the_seed_and_the_unmet_are_known() {
        let key = |n| Key::new(Site::Node, Actor::Run, 0, n);
        let mut decider = Decider::default();
        let decisions = [(key(1), Choice::Value(5)), (key(9), Choice::Value(1))];
        decider.reset(Seed(1), false, decisions.into_iter(), true);
        assert_eq!(decider.alternative(key(0), 10), 0);
        assert_eq!(decider.alternative(key(1), 10), 5);
        assert_eq!(decider.unmet().collect::<Vec<_>>(), [key(9)]);
        assert_eq!(decider.taken().unwrap(), [(key(1), Choice::Value(5))]);
    }

    #[test]
    fn a_chance_happens_as_often_as_it_says_and_only_then_is_a_decision() {
        let key = |n| Key::new(Site::Node, Actor::Run, 0, n);
        for (ratio, expected) in [("0/1", 0..=0), ("1/4", 900..=1_100), ("1/1", 4_000..=4_000)] {
            let ratio = ratio.parse().unwrap();
            let mut decider = Decider::default();
            decider.reset(Seed(5), true, [].into_iter(), true);
            let happened: Vec<_> = (0..4_000).filter(|&n| decider.chance(key(n), ratio)).collect();
            assert!(expected.contains(&happened.len()), "{ratio}: {}", happened.len());
            let decisions = decider.taken().unwrap();
            decider.reset(Seed(6), false, decisions.into_iter(), true);
            let again: Vec<_> = (0..4_000).filter(|&n| decider.chance(key(n), ratio)).collect();
            assert_eq!(again, happened);
        }
    }

    #[test]
    fn removing_a_decision_shifts_no_other() {
        let key = |n| Key::new(Site::Node, Actor::Run, 0, n);
        let mut decider = Decider::default();
        let mut draws = |decisions: &[(Key, Choice)]| {
            decider.reset(Seed(3), true, decisions.iter().copied(), false);
            (0..50).map(|n| decider.alternative(key(n), 1_000)).collect::<Vec<_>>()
        };
        let (free, bound) = (draws(&[]), draws(&[(key(4), Choice::Value(1))]));
        assert_eq!(bound[4], 1);
        assert_eq!((&free[..4], &free[5..]), (&bound[..4], &bound[5..]));
    }
}
