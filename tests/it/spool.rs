//! Histories that are kept in a file while they are judged.

use postulate::check::{Judge, Promise};
use postulate::history::{Event, History, Operation, Recorded, Spool};
use postulate::id::{MessageId, NodeId, SinkId};
use postulate::time::Instant;
use std::io::Cursor;

#[test]
fn a_history_in_a_spool_is_judged_as_one_in_memory_is() {
    let (process, incarnation) = (NodeId(0), 0);
    let message = MessageId::new(process, 3);
    let events = [
        Event::Boot,
        Event::invoke(message, 1, 7),
        Event::acknowledged(message),
        Event::Effect { message, sink: SinkId(0), payload: 7 },
        Event::Effect { message, sink: SinkId(0), payload: 7 },
    ];
    let at =
        |(nanos, event)| Operation { at: Instant::from_nanos(nanos), process, incarnation, event };
    // More than one batch of either kind.
    let filler = std::iter::repeat_n(Event::Heal, 10_000);
    let operations: Vec<Operation> = (0..).zip(filler.chain(events)).map(at).collect();
    let mut judge = Judge::new(&[Promise::ExactlyOnce { sinks: vec![SinkId(0)] }]);
    let mut spool = Spool::new(Cursor::new(Vec::new()));
    for operation in &operations {
        judge.observe(operation);
        spool.push(operation).unwrap();
    }
    spool.flush().unwrap();
    let history = History::new(operations.clone());
    assert_eq!(judge.conclude(&spool), judge.conclude(&history));
    let mut again = Vec::new();
    (&spool as &dyn Recorded).each(|operation| again.push(*operation));
    assert_eq!(again, operations);
    assert_eq!(spool.at(10_002), Some(operations[10_002]));
    assert!(spool.failure().is_none());
}
