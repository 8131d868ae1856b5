//! Ids of messages within a window of time, as `JetStream` and SQS FIFO queues keep them.

use super::memory::{Noted, millis};
use crate::digest::Digest;
use crate::model::message::Identity;
use crate::time::Span;
use std::collections::{BTreeMap, VecDeque};

/// The ids of one partition that were appended within the window.
#[derive(Clone, Debug)]
pub(super) struct Window {
    length_ms: u32,
    /// In the order of their appends. One that came again after its time is in it twice until the
    /// older is dropped.
    line: VecDeque<Seen>,
    offsets: BTreeMap<u64, u64>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Seen {
    id: u64,
    offset: u64,
    appended_ms: u32,
}

impl Window {
    pub(super) fn new(length: Span) -> Self {
        let length_ms = millis(length);
        Self { length_ms, line: VecDeque::new(), offsets: BTreeMap::new() }
    }

    /// Where `id` stands, if it came within the window before `now_ms`. `JetStream` looks after
    /// what is too old at its leisure; here nothing outlives the window. On a wall clock that
    /// steps back nothing ages.
    pub(super) fn find(&mut self, id: u64, now_ms: u32) -> Option<u64> {
        while let Some(oldest) = self.line.front()
            && now_ms.saturating_sub(oldest.appended_ms) >= self.length_ms
        {
            self.drop_oldest();
        }
        self.offsets.get(&id).copied()
    }

    pub(super) fn note(&mut self, id: u64, offset: u64, appended_ms: u32) {
        self.line.push_back(Seen { id, offset, appended_ms });
        self.offsets.insert(id, offset);
    }

    /// Forgets what stood below `start`. Returns whether that was anything.
    pub(super) fn forget_below(&mut self, start: u64) -> bool {
        let before = self.line.len();
        while self.line.front().is_some_and(|oldest| oldest.offset < start) {
            self.drop_oldest();
        }
        self.line.len() < before
    }

    pub(super) fn noted(&self) -> Vec<Noted> {
        let noted = |seen: &Seen| {
            let Seen { id, offset, appended_ms } = *seen;
            Noted { offset, identity: Identity::Message(id), appended_ms }
        };
        self.line.iter().map(noted).collect()
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.line.len() as u64);
        for seen in &self.line {
            digest.word(seen.id).word(seen.offset).word(u64::from(seen.appended_ms));
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.line.pop_front()
            && self.offsets.get(&oldest.id) == Some(&oldest.offset)
        {
            self.offsets.remove(&oldest.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After these ids were appended at these times at the offsets from 10 on, with a window of
    /// 100 ms, the last one is found so.
    #[track_caller]
    fn check(appended: &[(u64, u32)], asked: (u64, u32), expect: Option<u64>) {
        let mut window = Window::new(Span::millis(100));
        for (&(id, at_ms), offset) in appended.iter().zip(10..) {
            window.note(id, offset, at_ms);
        }
        let mut again = Window::new(Span::millis(100));
        for Noted { offset, identity, appended_ms } in window.noted() {
            let Identity::Message(id) = identity else { panic!("not an id") };
            again.note(id, offset, appended_ms);
        }
        assert_eq!(window.find(asked.0, asked.1), expect);
        assert_eq!(again.find(asked.0, asked.1), expect, "after a snapshot");
    }

    #[test]
    fn an_id_is_known_within_the_window_and_not_at_its_end() {
        check(&[(1, 5)], (1, 104), Some(10));
        check(&[(1, 5)], (1, 105), None);
        check(&[(1, 5)], (2, 6), None);
    }

    #[test]
    fn an_id_that_came_again_after_its_time_is_known_by_its_newer_offset() {
        check(&[(1, 5), (2, 6), (1, 110)], (1, 150), Some(12));
        check(&[(1, 5), (1, 110)], (1, 209), Some(11));
        check(&[(1, 5), (1, 110)], (1, 210), None);
    }

    #[test]
    fn nothing_ages_on_a_clock_that_steps_back() {
        check(&[(1, 500)], (1, 5), Some(10));
    }

    #[test]
    fn an_id_is_forgotten_with_its_record_if_that_is_asked_for() {
        let mut window = Window::new(Span::millis(100));
        window.note(1, 10, 0);
        window.note(2, 11, 0);
        assert!(window.forget_below(11));
        assert!(!window.forget_below(11));
        assert_eq!((window.find(1, 0), window.find(2, 0)), (None, Some(11)));
    }
}
