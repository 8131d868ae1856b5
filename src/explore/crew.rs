//! The threads of a sweep, and the watchdog over them.

use super::course::{Course, Guide};
use super::finding::{Divergence, Finding, machine_name};
use super::ledger::Piece;
use super::tally::Tally;
use super::{RECHECK_ONE_IN, Recheck, Sweep, Watch};
use crate::digest::Digest;
use crate::id::NodeId;
use crate::run::{Pulse, Run, Subject, Worker};
use crate::schedule::Schedule;
use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Schedules handed out at a time: few enough that a time limit is met, enough that handing in is
/// cheap.
const CHUNK: u64 = 16;

/// The place of a slot between two runs.
const BETWEEN: u64 = u64::MAX;

/// Schedules in a row, by their place in the course, and those among them that are known to hang.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) start: u64,
    pub(super) end: u64,
    hung: Vec<(u64, NodeId)>,
}

/// What the crew has to tell.
pub(super) enum News {
    /// A moment has passed.
    Tick,
    /// Schedules are done.
    Done { chunk: Chunk, pieces: Vec<Piece> },
}

enum Call {
    News(News),
    /// A thread has found no more to do.
    Left,
    /// The engine panicked.
    Broke(Box<dyn Any + Send>),
}

/// The threads of a sweep.
pub(super) struct Crew {
    shift: Arc<Shift>,
    members: Vec<Member>,
    at_work: usize,
    calls: Receiver<Call>,
}

/// What all threads of a sweep share.
struct Shift {
    subject: Arc<dyn Subject>,
    plan: Sweep,
    course: Arc<dyn Course>,
    watch: Arc<dyn Watch>,
    next: AtomicU64,
    over: AtomicBool,
    /// A tick is on its way. Ticks that pile up while nobody reads them would all be counted in one
    /// moment, against threads that have had no time at all.
    ticked: AtomicBool,
    caller: Sender<Call>,
}

/// What a thread shares with the watchdog.
struct Slot {
    pulse: Arc<Pulse>,
    /// The place of the schedule that is being run.
    at: AtomicU64,
    task: Mutex<Task>,
}

enum Task {
    Run(Chunk),
    /// There is no more to do, or it was given to another thread: what this one still finds
    /// does not count.
    Dropped,
}

struct Member {
    slot: Arc<Slot>,
    seen: (u64, u64),
    still_ticks: u32,
}

impl Crew {
    pub(super) fn assemble(
        subject: &Arc<dyn Subject>,
        plan: Sweep,
        course: Arc<dyn Course>,
        watch: &Arc<dyn Watch>,
    ) -> Self {
        let (caller, calls) = channel();
        let shift = Arc::new(Shift {
            subject: Arc::clone(subject),
            plan,
            watch: Arc::clone(watch),
            next: AtomicU64::new(course.places().start),
            course,
            over: AtomicBool::new(false),
            ticked: AtomicBool::new(false),
            caller,
        });
        let mut crew = Self { shift, members: Vec::new(), at_work: 0, calls };
        for _ in 0..plan.jobs.get() {
            if let Some(chunk) = crew.shift.claim() {
                crew.hire(chunk);
            }
        }
        if crew.at_work > 0 {
            let shift = Arc::clone(&crew.shift);
            start("postulate-tick", move || shift.tick());
        }
        crew
    }

    /// Waits for something to happen; nothing more will once every thread has left.
    pub(super) fn news(&mut self) -> Option<News> {
        while self.at_work > 0 {
            match self.calls.recv().expect("the crew itself holds a sender") {
                Call::News(news) => {
                    if matches!(news, News::Tick) {
                        self.shift.ticked.store(false, Ordering::Relaxed);
                    }
                    return Some(news);
                }
                Call::Left => self.at_work -= 1,
                Call::Broke(panic) => resume_unwind(panic),
            }
        }
        None
    }

    /// Gives the schedules of threads that do not move to new ones. Called once a tick.
    pub(super) fn replace_hung(&mut self) {
        let mut stuck = Vec::new();
        self.members.retain_mut(|member| {
            if !member.is_stuck(self.shift.plan.hung_after_ticks) {
                return true;
            }
            let chunk = member.slot.abandon(member.seen);
            let gone = chunk.is_some();
            stuck.extend(chunk);
            !gone
        });
        for chunk in stuck {
            self.at_work -= 1;
            self.hire(chunk);
        }
    }

    /// Lets the threads leave when they have done what they are at.
    pub(super) fn dismiss(&self) {
        self.shift.over.store(true, Ordering::Relaxed);
    }

    fn hire(&mut self, chunk: Chunk) {
        let slot = Arc::new(Slot {
            pulse: Arc::default(),
            at: AtomicU64::new(BETWEEN),
            task: Mutex::new(Task::Run(chunk)),
        });
        self.members.push(Member { slot: Arc::clone(&slot), seen: (BETWEEN, 0), still_ticks: 0 });
        self.at_work += 1;
        let shift = Arc::clone(&self.shift);
        start("postulate-run", move || {
            let end = catch_unwind(AssertUnwindSafe(|| shift.work(&slot)));
            if let Err(panic) = end {
                shift.call(Call::Broke(panic));
            }
        });
    }
}

impl Shift {
    /// The next schedules, unless there are none or the time is up.
    fn claim(&self) -> Option<Chunk> {
        if self.over.load(Ordering::Relaxed) || self.watch.is_over() {
            return None;
        }
        let start = self.next.fetch_add(CHUNK, Ordering::Relaxed);
        let end = start.saturating_add(CHUNK).min(self.course.places().end);
        (start < end).then_some(Chunk { start, end, hung: Vec::new() })
    }

    fn tick(&self) {
        while !self.over.load(Ordering::Relaxed) {
            self.watch.tick();
            if !self.ticked.swap(true, Ordering::Relaxed) {
                self.call(Call::News(News::Tick));
            }
        }
    }

    fn work(&self, slot: &Slot) {
        let mut worker = self.worker(slot);
        let mut guide = self.course.guide();
        while let Some(chunk) = slot.chunk() {
            let pieces = self.run_chunk(&chunk, slot, (&mut *worker, &mut *guide));
            slot.hand_in(self, chunk, pieces);
        }
    }

    fn run_chunk(
        &self,
        chunk: &Chunk,
        slot: &Slot,
        (worker, guide): (&mut dyn Worker, &mut dyn Guide),
    ) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut piece = Piece::default();
        for place in chunk.places() {
            let seed = self.course.seed(place);
            let found = if let Some(node) = chunk.hung_at(place) {
                let machine = machine_name(self.subject.as_ref(), node);
                let finding = Finding::Hung { machine };
                piece.tally.enter_hung(seed, &finding);
                Some(finding)
            } else {
                slot.at.store(place, Ordering::Relaxed);
                self.run_place(place, slot, (&mut *worker, &mut *guide), &mut piece.tally)
            };
            if let Some(finding) = found {
                piece.found = Some((seed, finding));
                pieces.push(std::mem::take(&mut piece));
            }
        }
        slot.at.store(BETWEEN, Ordering::Relaxed);
        pieces.push(piece);
        pieces
    }

    fn run_place(
        &self,
        place: u64,
        slot: &Slot,
        (worker, guide): (&mut dyn Worker, &mut dyn Guide),
        tally: &mut Tally,
    ) -> Option<Finding> {
        let (schedule, run) = guide.run(place, worker);
        let mut found = Finding::of(&run.outcome);
        if self.is_rechecked(place) {
            tally.rechecked += 1;
            found = self.recheck(&run, &schedule, slot, worker).or(found);
        }
        tally.enter(&run, found.as_ref());
        found
    }

    /// A sample by seed, not by thread: who runs a schedule must not matter.
    fn is_rechecked(&self, place: u64) -> bool {
        let seed = self.course.seed(place);
        match self.plan.recheck {
            Recheck::All => true,
            Recheck::Sample => {
                place == 0 || Digest::new().word(seed.0).value().is_multiple_of(RECHECK_ONE_IN)
            }
        }
    }

    fn recheck(
        &self,
        run: &Run,
        schedule: &Schedule,
        slot: &Slot,
        used: &mut dyn Worker,
    ) -> Option<Finding> {
        let fresh = self.worker(slot).run(schedule);
        let again = if fresh == *run { used.run(schedule) } else { fresh };
        if again == *run {
            return None;
        }
        let more = [used.inspect(schedule), self.worker(slot).inspect(schedule)];
        Some(Finding::Nondeterministic(Box::new(Divergence::between(run, &again, &more))))
    }

    fn worker(&self, slot: &Slot) -> Box<dyn Worker> {
        Arc::clone(&self.subject).worker(Arc::clone(&slot.pulse))
    }

    /// Nobody listens any more once the sweep has its result, and then nobody needs to.
    fn call(&self, call: Call) {
        let _ = self.caller.send(call);
    }
}

impl Slot {
    fn chunk(&self) -> Option<Chunk> {
        match &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            Task::Run(chunk) => Some(chunk.clone()),
            Task::Dropped => None,
        }
    }

    /// Hands in a chunk and takes the next, in one step as the watchdog sees it: results count
    /// exactly if their schedules were not given to another thread.
    fn hand_in(&self, shift: &Shift, chunk: Chunk, pieces: Vec<Piece>) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*task, Task::Dropped) {
            return;
        }
        shift.call(Call::News(News::Done { chunk, pieces }));
        *task = shift.claim().map_or(Task::Dropped, Task::Run);
        if matches!(*task, Task::Dropped) {
            shift.call(Call::Left);
        }
    }

    /// Takes the chunk away, with its current place marked as hung, if that is still where `seen`
    /// was.
    fn abandon(&self, seen: (u64, u64)) -> Option<Chunk> {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        let Task::Run(chunk) = &*task else { return None };
        if self.look() != seen || !chunk.places().contains(&seen.0) {
            return None;
        }
        let mut chunk = chunk.clone();
        chunk.hung.push((seen.0, self.pulse.read().1));
        *task = Task::Dropped;
        Some(chunk)
    }

    fn look(&self) -> (u64, u64) {
        (self.at.load(Ordering::Relaxed), self.pulse.read().0)
    }
}

impl Member {
    fn is_stuck(&mut self, limit_ticks: u32) -> bool {
        let now = self.slot.look();
        self.still_ticks = if now == self.seen { self.still_ticks + 1 } else { 0 };
        self.seen = now;
        now.0 != BETWEEN && self.still_ticks >= limit_ticks
    }
}

impl Chunk {
    fn places(&self) -> Range<u64> {
        self.start..self.end
    }

    fn hung_at(&self, place: u64) -> Option<NodeId> {
        self.hung.iter().find(|(hung, _)| *hung == place).map(|&(_, node)| node)
    }
}

/// Starts a thread that nobody will wait for.
#[expect(clippy::disallowed_methods, reason = "explore alone starts threads, whole runs in each")]
pub(super) fn start(name: &str, body: impl FnOnce() + Send + 'static) {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .expect("the operating system starts a thread");
}
