//! Streams: connections that are in order within themselves and in no order with each other.
//!
//! A lost message breaks its connection. A prefix of what was in flight may still arrive, nothing
//! after the lost message does; each end learns of it late and writes into the void until then. An
//! end that closes sends its close after its data. A retry opens a new connection, which may
//! overtake the old one: without this, a request that lands after its successor cannot happen.

use crate::id::NodeId;
use crate::time::Instant;

/// The connection that a message travels on, or none for a datagram.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Via(pub(super) u32);

impl Via {
    pub(super) const DATAGRAM: Self = Self(u32::MAX);
}

#[derive(Clone, Debug)]
struct Connection {
    ends: [NodeId; 2],
    /// Whether each end holds it open.
    open: [bool; 2],
    /// The latest arrival scheduled toward each end.
    last: [Instant; 2],
    /// What would arrive at an end later than this is lost.
    limit: [Instant; 2],
    broken: bool,
}

#[derive(Debug)]
pub(super) struct Connections {
    nodes: usize,
    list: Vec<Connection>,
    /// The connection that a machine writes to another on.
    current: Vec<u32>,
    touched: Vec<u32>,
    /// How many breaks and notices each link has seen.
    pub(super) breaks: Vec<u32>,
    pub(super) notices: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Connections {
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            nodes,
            list: Vec::new(),
            current: vec![NONE; nodes * nodes],
            touched: Vec::new(),
            breaks: vec![0; nodes * nodes],
            notices: vec![0; nodes * nodes],
        }
    }

    pub(super) fn reset(&mut self) {
        for pair in self.touched.drain(..) {
            self.current[pair as usize] = NONE;
            self.breaks[pair as usize] = 0;
            self.notices[pair as usize] = 0;
        }
        self.list.clear();
    }

    /// The connection on which `from` writes to `to`: the one it holds open, or a new one.
    #[inline]
    pub(super) fn writing(&mut self, from: NodeId, to: NodeId) -> Via {
        let current = self.current[self.pair(from, to)];
        if current == NONE { self.connect(from, to) } else { Via(current) }
    }

    /// Whether `node` still holds `via` open.
    pub(super) fn is_open_at(&self, via: Via, node: NodeId) -> bool {
        let connection = &self.list[via.0 as usize];
        connection.open[connection.end(node)]
    }

    /// Whether what is written on `via` from now on is lost.
    #[inline]
    pub(super) fn is_broken(&self, via: Via) -> bool {
        self.list[via.0 as usize].broken
    }

    /// When something that would arrive at `to` at `at` arrives, after all that was sent before it.
    #[inline]
    pub(super) fn in_order(&mut self, via: Via, to: NodeId, at: Instant) -> Instant {
        let connection = &mut self.list[via.0 as usize];
        let end = connection.end(to);
        let at = at.max(connection.last[end]);
        connection.last[end] = at;
        at
    }

    /// Something arrives at `to` at `at`, later than was scheduled.
    pub(super) fn arrived(&mut self, via: Via, to: NodeId, at: Instant) {
        self.in_order(via, to, at);
    }

    /// When the data toward `to` is through.
    pub(super) fn through(&self, via: Via, to: NodeId) -> Instant {
        let connection = &self.list[via.0 as usize];
        let end = connection.end(to);
        connection.last[end].min(connection.limit[end])
    }

    /// Whether something that arrives at `to` now still finds its connection. From then on `to`
    /// answers on it, unless it has a younger one.
    #[inline]
    pub(super) fn accept(&mut self, via: Via, to: NodeId, now: Instant) -> bool {
        let connection = &self.list[via.0 as usize];
        let end = connection.end(to);
        if !connection.open[end] || now > connection.limit[end] {
            return false;
        }
        let from = connection.ends[1 - end];
        let pair = self.pair(to, from);
        let current = self.current[pair];
        if current == NONE || current < via.0 {
            self.become_current(pair, via.0);
        }
        true
    }

    /// Breaks `via`: what is in flight toward each end and would arrive after its limit is lost, as
    /// is all that is written from now on. Returns the two ends and when the data toward each is
    /// through.
    pub(super) fn break_now(&mut self, via: Via, limits: [Instant; 2]) -> [(NodeId, Instant); 2] {
        let connection = &mut self.list[via.0 as usize];
        connection.broken = true;
        connection.limit = limits;
        std::array::from_fn(|end| {
            (connection.ends[end], connection.last[end].min(connection.limit[end]))
        })
    }

    /// The two ends of `via`.
    pub(super) fn ends(&self, via: Via) -> [NodeId; 2] {
        self.list[via.0 as usize].ends
    }

    /// `node` closes `via`. Returns the peer, and when the data toward it is through.
    pub(super) fn close(&mut self, via: Via, node: NodeId) -> Option<(NodeId, Instant)> {
        let connection = &mut self.list[via.0 as usize];
        let end = connection.end(node);
        if !connection.open[end] {
            return None;
        }
        connection.open[end] = false;
        connection.broken = true;
        let peer = connection.ends[1 - end];
        let through = connection.last[1 - end].min(connection.limit[1 - end]);
        let pair = self.pair(node, peer);
        if self.current[pair] == via.0 {
            self.current[pair] = NONE;
        }
        Some((peer, through))
    }

    /// The connection on which `node` would write to `peer`, if it holds one open.
    pub(super) fn current(&self, node: NodeId, peer: NodeId) -> Option<Via> {
        let current = self.current[self.pair(node, peer)];
        (current != NONE).then_some(Via(current))
    }

    /// `node` learns that `via` is gone. Returns the peer if `node` had not closed it itself.
    pub(super) fn notice(&mut self, via: Via, node: NodeId) -> Option<NodeId> {
        self.close(via, node).map(|(peer, _)| peer)
    }

    /// The connections that `node` holds open.
    pub(super) fn open_at(&self, node: NodeId) -> Vec<Via> {
        let open = |connection: &Connection| {
            (0..2).any(|end| connection.ends[end] == node && connection.open[end])
        };
        (0..self.list.len()).filter(|&n| open(&self.list[n])).map(|n| Via(n as u32)).collect()
    }

    #[inline]
    pub(super) fn pair(&self, from: NodeId, to: NodeId) -> usize {
        from.index() * self.nodes + to.index()
    }

    #[cold]
    fn connect(&mut self, from: NodeId, to: NodeId) -> Via {
        let number = self.list.len() as u32;
        self.list.push(Connection {
            ends: [from, to],
            open: [true; 2],
            last: [Instant::START; 2],
            limit: [Instant::NEVER; 2],
            broken: false,
        });
        self.become_current(self.pair(from, to), number);
        Via(number)
    }

    #[cold]
    fn become_current(&mut self, pair: usize, number: u32) {
        self.current[pair] = number;
        self.touched.push(pair as u32);
    }

    /// Counts a break or notice of a link; the counter is reset with the run.
    pub(super) fn count(&mut self, breaks: bool, from: NodeId, to: NodeId) -> u32 {
        let pair = self.pair(from, to);
        self.touched.push(pair as u32);
        let counts = if breaks { &mut self.breaks } else { &mut self.notices };
        counts[pair] += 1;
        counts[pair] - 1
    }
}

impl Connection {
    #[inline]
    fn end(&self, node: NodeId) -> usize {
        usize::from(self.ends[0] != node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId(0);
    const B: NodeId = NodeId(1);

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn what_is_sent_later_arrives_later_within_a_connection_only() {
        let mut connections = Connections::new(2);
        let old = connections.writing(A, B);
        assert_eq!(connections.in_order(old, B, at(50)), at(50));
        assert_eq!(connections.in_order(old, B, at(10)), at(50));
        connections.close(old, A);
        let new = connections.writing(A, B);
        assert_ne!(old, new);
        assert_eq!(connections.in_order(new, B, at(10)), at(10));
    }

    #[test]
    fn an_end_answers_on_the_youngest_connection_it_has_heard_on() {
        let mut connections = Connections::new(2);
        let old = connections.writing(A, B);
        connections.close(old, A);
        let new = connections.writing(A, B);
        assert!(connections.accept(new, B, at(10)));
        assert!(connections.accept(old, B, at(50)), "data sent before the close still arrives");
        assert_eq!(connections.writing(B, A), new);
    }

    #[test]
    fn a_broken_connection_delivers_what_is_within_its_limit() {
        let mut connections = Connections::new(2);
        let via = connections.writing(A, B);
        connections.in_order(via, B, at(90));
        let through = connections.break_now(via, [Instant::NEVER, at(40)]);
        assert_eq!(through, [(A, at(0)), (B, at(40))]);
        assert!(connections.accept(via, B, at(40)));
        assert!(!connections.accept(via, B, at(41)));
        assert!(connections.is_broken(via));
    }

    #[test]
    fn an_end_learns_once_of_each_connection_that_it_has_not_closed() {
        let mut connections = Connections::new(2);
        let old = connections.writing(A, B);
        connections.accept(old, B, at(1));
        assert_eq!(connections.notice(old, A), Some(B));
        assert_eq!(connections.notice(old, A), None);
        let new = connections.writing(A, B);
        connections.accept(new, B, at(2));
        assert_eq!(connections.notice(old, B), Some(A), "a request on the old one may be open");
        assert_eq!(connections.current(B, A), Some(new), "what B writes goes to the new one");
        connections.close(new, A);
        assert_eq!(connections.notice(new, A), None);
    }

    #[test]
    fn a_closed_end_hears_nothing() {
        let mut connections = Connections::new(2);
        let via = connections.writing(A, B);
        connections.accept(via, B, at(1));
        connections.close(via, A);
        assert!(!connections.accept(via, A, at(2)));
        assert!(connections.is_open_at(via, B));
    }
}
