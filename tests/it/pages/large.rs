//! A large explanation, in which everything leads to the end.

use postulate::report::explained::{Event, Explained, Line, Machine, Message};

/// How many machines there are.
const MACHINES: usize = 8;

/// So many events: in turns, each machine handles what the one before it sent.
pub fn explained(events: usize) -> Explained {
    let mut explained = super::sample();
    explained.machines = (0..MACHINES)
        .map(|id| Machine { id, name: format!("machine-{id}"), role: "link".to_owned() })
        .collect();
    explained.events = (0..events).map(event).collect();
    explained.messages = (1..events).map(|ended| message(ended - 1, ended)).collect();
    explained.history = (0..events).step_by(3).enumerate().map(line).collect();
    for line in &explained.history {
        explained.events[line.event.unwrap()].operations.push(line.id);
    }
    explained.states.clear();
    explained.bands.clear();
    explained.steps.clear();
    explained.infos.clear();
    explained.curve.clear();
    explained.rise = None;
    explained.nearest = None;
    explained.anchors = vec![events - 1];
    explained.past = (0..events).collect();
    explained
}

fn event(id: usize) -> Event {
    Event {
        id,
        at_ns: id as u64 * 1_000_000,
        at: format!("{id} ms"),
        machine: Some(id % MACHINES),
        incarnation: 0,
        kind: if id == 0 { "boot" } else { "message" }.to_owned(),
        text: "Token from its neighbour".to_owned(),
        message: id.checked_sub(1),
        causes: id.checked_sub(1).into_iter().collect(),
        does: Vec::new(),
        operations: Vec::new(),
        state: None,
    }
}

fn message(sent: usize, ended: usize) -> Message {
    Message {
        id: sent,
        from: sent % MACHINES,
        to: ended % MACHINES,
        kind: "Token".to_owned(),
        text: format!("Token {{ number: {ended} }}"),
        sent,
        ended: Some(ended),
        fate: "delivered".to_owned(),
        copy: false,
        corrupted: false,
        late_ns: 0,
        late: "0 s".to_owned(),
    }
}

fn line((id, event): (usize, usize)) -> Line {
    let text = format!("machine-{} commits the effect of m{event}.0", event % MACHINES);
    Line { id, event: Some(event), kind: "effect".to_owned(), text, shows: false }
}
