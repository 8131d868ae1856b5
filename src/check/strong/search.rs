//! The search for an order of calls.

use super::{Accessing, Call, Finding, Queueing, Spent};
use std::collections::{BTreeSet, VecDeque};

/// An object, by what its calls do to its state.
pub trait Object {
    /// What a call does.
    type Action: Copy;
    /// What the object holds.
    type State: Clone + Ord;
    /// What it holds at first.
    fn start(&self) -> Self::State;
    /// What it holds after a call, or nothing if the call cannot have been answered so. `answered`
    /// tells whether it was answered at all.
    fn step(
        &self,
        state: &Self::State,
        action: Self::Action,
        answered: bool,
    ) -> Option<Self::State>;
    /// About how many bytes a state takes beyond its own size.
    fn weight(&self, _state: &Self::State) -> usize {
        0
    }
}

/// How far a search may go.
#[derive(Copy, Clone, Debug)]
pub struct Budget {
    /// How many calls it may try.
    pub steps: u64,
    /// How many bytes its memo may take, about.
    pub bytes: usize,
}

/// A register of numbers.
#[derive(Copy, Clone, Debug, Default)]
pub struct Register {
    /// What it holds at first.
    pub start: Option<u64>,
}

impl Object for Register {
    type Action = Accessing;
    type State = Option<u64>;

    fn start(&self) -> Self::State {
        self.start
    }

    fn step(&self, &state: &Option<u64>, action: Accessing, answered: bool) -> Option<Option<u64>> {
        match action {
            Accessing::Read(value) => (!answered || value == state).then_some(state),
            Accessing::Write(value) => Some(Some(value)),
            Accessing::Replace(from, to) => (state == Some(from)).then_some(Some(to)),
        }
    }
}

/// A queue, first in, first out.
#[derive(Copy, Clone, Debug, Default)]
pub struct Queue;

impl Object for Queue {
    type Action = Queueing;
    type State = VecDeque<u64>;

    fn start(&self) -> Self::State {
        VecDeque::new()
    }

    fn step(&self, state: &Self::State, action: Queueing, answered: bool) -> Option<Self::State> {
        let mut next = state.clone();
        match action {
            Queueing::Enqueue(value) => next.push_back(value),
            Queueing::Dequeue(None) if answered => return state.is_empty().then_some(next),
            Queueing::Dequeue(value) => {
                let first = next.pop_front()?;
                if answered && value != Some(first) {
                    return None;
                }
            }
        }
        Some(next)
    }

    fn weight(&self, state: &Self::State) -> usize {
        state.len() * size_of::<u64>()
    }
}

/// A frame of the search: a call that was put next, and where to go on if that leads nowhere.
struct Frame<S> {
    call: usize,
    before: S,
    low: usize,
    high: usize,
}

/// The calls that are in order already, by their turns.
struct Done {
    bits: Vec<u64>,
    /// All below this turn are.
    low: usize,
    /// None from this turn on is.
    high: usize,
}

impl Done {
    fn is_set(&self, turn: usize) -> bool {
        self.bits[turn / 64] & (1 << (turn % 64)) != 0
    }

    fn add(&mut self, turn: usize) {
        self.bits[turn / 64] |= 1 << (turn % 64);
        self.high = self.high.max(turn + 1);
        while self.low < self.high && self.is_set(self.low) {
            self.low += 1;
        }
    }

    /// Takes `turn` out; `low` and `high` are what they were before it was added.
    fn drop(&mut self, turn: usize, low: usize, high: usize) {
        self.bits[turn / 64] &= !(1 << (turn % 64));
        (self.low, self.high) = (low, high);
    }

    /// The same in few words: what is far behind is all done, what is far ahead is not.
    fn window(&self) -> (usize, Box<[u64]>) {
        let from = self.low / 64;
        (from, self.bits[from..self.high.div_ceil(64).max(from)].into())
    }
}

/// Searches for an order, depth first, within `budget`.
pub fn search<O: Object>(object: &O, calls: &[Call<O::Action>], budget: Budget) -> Finding {
    let mut order: Vec<usize> = (0..calls.len()).collect();
    order.sort_by_key(|&place| calls[place].began);
    let mut left = calls.iter().filter(|call| call.ended.is_some()).count();
    let mut done = Done { bits: vec![0; calls.len().div_ceil(64)], low: 0, high: 0 };
    let mut state = object.start();
    let mut memo = BTreeSet::new();
    let (mut steps, mut bytes) = (0, 0);
    let mut frames: Vec<Frame<O::State>> = Vec::new();
    let mut from = 0;
    let mut furthest = (usize::MAX, None);
    while left > 0 {
        let limit = earliest_end(calls, &order, &done);
        let mut next = None;
        for (turn, &place) in order.iter().enumerate().skip(from.max(done.low)) {
            let call = &calls[place];
            if call.began > limit.0 {
                break;
            }
            if done.is_set(turn) {
                continue;
            }
            steps += 1;
            if steps > budget.steps {
                return unknown(Spent::Steps, &format!("in {} steps", budget.steps));
            }
            let answered = call.ended.is_some();
            let Some(after) = object.step(&state, call.action, answered) else { continue };
            let (low, high) = (done.low, done.high);
            done.add(turn);
            let (first, window) = done.window();
            let size = size_of::<(usize, Box<[u64]>, O::State)>() + window.len() * 8;
            let known = (first, window, after);
            if memo.contains(&known) {
                done.drop(turn, low, high);
                continue;
            }
            bytes += size + object.weight(&known.2);
            if bytes > budget.bytes {
                return unknown(Spent::Memory, &format!("in {} bytes", budget.bytes));
            }
            let after = known.2.clone();
            memo.insert(known);
            next = Some((Frame { call: turn, before: state.clone(), low, high }, after));
            break;
        }
        if left < furthest.0 {
            furthest = (left, limit.1);
        }
        if let Some((frame, after)) = next {
            left -= usize::from(calls[order[frame.call]].ended.is_some());
            state = after;
            frames.push(frame);
            from = 0;
        } else if let Some(Frame { call, before, low, high }) = frames.pop() {
            done.drop(call, low, high);
            left += usize::from(calls[order[call]].ended.is_some());
            state = before;
            from = call + 1;
        } else {
            let why = "no order agrees with the answers and with time".to_owned();
            return Finding::Impossible { why, calls: furthest.1.into_iter().collect() };
        }
    }
    Finding::Linearizable
}

/// When the first of the calls left was answered, and which it is: what began later comes later.
fn earliest_end<A>(calls: &[Call<A>], order: &[usize], done: &Done) -> (u64, Option<usize>) {
    let mut first = (u64::MAX, None);
    for (turn, &place) in order.iter().enumerate().skip(done.low) {
        if calls[place].began > first.0 {
            break;
        }
        if let Some(ended) = calls[place].ended
            && !done.is_set(turn)
            && ended < first.0
        {
            first = (ended, Some(place));
        }
    }
    first
}

fn unknown(spent: Spent, within: &str) -> Finding {
    Finding::Unknown { why: format!("no order was found {within}"), spent: Some(spent) }
}
