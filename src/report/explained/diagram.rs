//! A space-time diagram in text: a lane a machine, a line an event, arrows where messages arrive.

use crate::id::NodeId;
use crate::run::{Chronicle, Moment, MomentKind};
use std::collections::BTreeSet;

/// The lanes of a diagram, with who is down and who is paused as it is drawn from top to bottom.
pub(in crate::report) struct Lanes {
    nodes: Vec<NodeId>,
    down: BTreeSet<NodeId>,
}

impl Lanes {
    /// Lanes for the machines that these moments are about, and for those whose messages arrive.
    pub(in crate::report) fn of(chronicle: &Chronicle, moments: &[usize]) -> Self {
        let mut nodes = BTreeSet::new();
        for moment in moments.iter().map(|&place| &chronicle.moments[place]) {
            nodes.extend(moment.node);
            nodes.extend(moment.message.map(|message| chronicle.messages[message].from));
        }
        Self { nodes: nodes.into_iter().collect(), down: BTreeSet::new() }
    }

    /// The machines, from left to right.
    pub(in crate::report) fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// How many columns the lanes take.
    pub(in crate::report) fn width(&self) -> usize {
        (2 * self.nodes.len()).saturating_sub(1)
    }

    /// The lanes left of the one whose machine is named beside it.
    pub(in crate::report) fn heading(lane: usize) -> String {
        "│ ".repeat(lane)
    }

    /// The lanes at an event, with its mark and the arrow of the message that it handles.
    pub(in crate::report) fn at(&mut self, chronicle: &Chronicle, moment: &Moment) -> String {
        if let Some(node) = moment.node {
            match moment.kind {
                MomentKind::Boot => _ = self.down.remove(&node),
                MomentKind::Crash | MomentKind::PowerCut | MomentKind::Exit => {
                    self.down.insert(node);
                }
                _ => {}
            }
        }
        let mut cells = self.cells();
        let own = moment.node.and_then(|node| self.lane(node));
        if moment.kind == MomentKind::Message
            && let Some(message) = moment.message
            && let (Some(to), Some(from)) = (own, self.lane(chronicle.messages[message].from))
        {
            arrow(&mut cells, from, to);
        }
        if let Some(own) = own {
            cells[2 * own] = mark(moment.kind);
        }
        cells.into_iter().collect()
    }

    /// The lanes where nothing is told.
    pub(in crate::report) fn between(&self) -> String {
        self.cells().into_iter().collect()
    }

    fn cells(&self) -> Vec<char> {
        let mut cells = Vec::with_capacity(self.width());
        for node in &self.nodes {
            if !cells.is_empty() {
                cells.push(' ');
            }
            cells.push(if self.down.contains(node) { ' ' } else { '│' });
        }
        cells
    }

    fn lane(&self, node: NodeId) -> Option<usize> {
        self.nodes.iter().position(|&other| other == node)
    }
}

/// Draws an arrow from one lane to another; one from a lane to itself is none.
fn arrow(cells: &mut [char], from: usize, to: usize) {
    let (start, end) = (2 * from, 2 * to);
    if start < end {
        cells[start] = '├';
        cells[start + 1..end].fill('─');
        cells[end - 1] = '▶';
    } else if end < start {
        cells[start] = '┤';
        cells[end + 1..start].fill('─');
        cells[end + 1] = '◀';
    }
}

/// The sign of a kind of moment.
pub(in crate::report) const fn mark(kind: MomentKind) -> char {
    match kind {
        MomentKind::Message | MomentKind::Input => '●',
        MomentKind::Timer | MomentKind::Sync | MomentKind::Notice => '○',
        MomentKind::Boot | MomentKind::Resume => '△',
        MomentKind::Drop
        | MomentKind::Void
        | MomentKind::Dead
        | MomentKind::Crash
        | MomentKind::PowerCut
        | MomentKind::Exit => '✗',
        MomentKind::Fault | MomentKind::Lift | MomentKind::Heal | MomentKind::End => '!',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: usize, to: usize, expected: &str) {
        let lanes =
            Lanes { nodes: (0..3).map(NodeId).collect(), down: [NodeId(1)].into_iter().collect() };
        let mut cells = lanes.cells();
        arrow(&mut cells, from, to);
        assert_eq!(cells.into_iter().collect::<String>(), expected);
    }

    #[test]
    fn arrows_lead_from_lane_to_lane() {
        check(0, 1, "├▶  │");
        check(0, 2, "├──▶│");
        check(2, 0, "│◀──┤");
        check(1, 1, "│   │");
    }
}
