//! Anomalies, each planted in a legal history.

use super::super::text::{message, payload};
use super::{CONSUMERS, EVERYTHING, Rng, at};
use queues::{pile_up, spoil_a_pattern, spoil_the_queue};

use postulate::check::Rule;
use postulate::history::{EndCause, Event, Operation};
use postulate::id::{GroupId, MessageId, NodeId, PartitionId, SinkId};

mod queues;

/// Breaks `rule`, and no rule before it, in a history made by [`legal`](super::legal). Returns the
/// promises to judge by.
///
/// # Panics
/// If nothing can be planted for the rule.
pub fn plant(rule: Rule, operations: &mut Vec<Operation>, rng: &mut Rng) -> &'static str {
    match rule {
        Rule::Corrupted | Rule::Misrouted => bend(rule, operations, rng),
        Rule::Resurrected if rng.below(2) == 0 => spoil_the_queue(rule, operations, rng),
        Rule::InconsistentOffset
        | Rule::DuplicateRecord
        | Rule::Order
        | Rule::LostRecord
        | Rule::Resurrected => spoil_the_log(rule, operations),
        Rule::Skipped | Rule::Rewound | Rule::CommittedAhead => {
            spoil_a_consumer(rule, operations, rng);
        }
        Rule::PhantomEffect => {
            let sink = SinkId(rng.below(3) as u16);
            let event = Event::Effect { message: message(77), sink, payload: 1 };
            let end = operations.len() - 1;
            operations.insert(rng.below(end), at(STRANGER, 0, event));
        }
        Rule::DuplicateEffect => {
            let once = |event: &Event| matches!(event, Event::Effect { sink, .. } if sink.0 < 3);
            let effect = any(operations, rng, once);
            operations.insert(effect + 1, operations[effect]);
        }
        Rule::Lost => operations.retain(|o| !is_effect_of(o, 0, SinkId(2))),
        Rule::Unseen => {
            operations.retain(|o| {
                let sees = matches!(
                    o.event,
                    Event::Polled { .. } | Event::Received { .. } | Event::Effect { .. }
                );
                !(sees && o.event.message() == Some(message(0)))
            });
            return "at-least-once";
        }
        Rule::Diverged | Rule::StaleProjection => {
            let replicas: &[u16] = if rule == Rule::Diverged { &[8, 9] } else { &[10] };
            let stray = NodeId(rng.pick(replicas));
            for operation in operations.iter_mut().filter(|o| o.process == stray) {
                if let Event::View { digest } = &mut operation.event {
                    *digest ^= 1;
                }
            }
        }
        Rule::Deadlock => operations.retain(|o| !is_ok_of(o, 0)),
        Rule::Livelock => {
            let end = operations.len() - 1;
            operations[end].event = Event::End { cause: EndCause::Impatient };
        }
        Rule::RedeliveryBound | Rule::Fence => spoil_the_queue(rule, operations, rng),
        Rule::Backlog => return pile_up(operations, rng),
        Rule::Overtaken | Rule::Accounting | Rule::Torn | Rule::Uncompensated => {
            spoil_a_pattern(rule, operations, rng);
        }
        Rule::Custom | Rule::Unlinearizable => unreachable!("nothing to plant"),
    }
    EVERYTHING
}

/// A machine that reads for groups of its own.
const STRANGER: NodeId = NodeId(12);

fn bend(rule: Rule, operations: &mut [Operation], rng: &mut Rng) {
    let bent = any(operations, rng, |event| match event {
        Event::Polled { .. } | Event::Received { .. } => true,
        Event::Effect { sink, .. } => rule == Rule::Corrupted && sink.0 < 3,
        _ => false,
    });
    match &mut operations[bent].event {
        Event::Polled { key, .. } | Event::Received { key, .. } if rule == Rule::Misrouted => {
            *key += 10;
        }
        Event::Effect { payload, .. }
        | Event::Polled { payload, .. }
        | Event::Received { payload, .. } => *payload += 1,
        event => unreachable!("{event:?} was not asked for"),
    }
}

fn spoil_the_log(rule: Rule, operations: &mut Vec<Operation>) {
    let end = operations.len() - 1;
    let [first, second] = [0, 1].map(|number| record(operations, number));
    match rule {
        Rule::InconsistentOffset => {
            operations.insert(end, read(Place { message: second.message, ..first }, 5));
        }
        Rule::DuplicateRecord => {
            operations.insert(end, read(Place { offset: first.offset + 1000, ..first }, 5));
        }
        Rule::Order => {
            for operation in operations {
                super::mutant::move_record(
                    &mut operation.event,
                    &[(first.message, second.offset), (second.message, first.offset)],
                );
            }
        }
        Rule::LostRecord => operations.retain(|o| {
            let reads = match o.event {
                Event::Polled { .. } => true,
                Event::Effect { sink, .. } => sink.0 < 3,
                _ => false,
            };
            !(reads && o.event.message() == Some(second.message))
        }),
        Rule::Resurrected => {
            let (node, group) = CONSUMERS[0];
            let boots = operations.iter().filter(|o| o.process == node && o.event == Event::Boot);
            let incarnation = boots.count() as u16;
            let again = [Event::Boot, read(first, group.0).event];
            let again = again.map(|event| at(node, incarnation, event));
            operations.splice(end..end, again);
        }
        _ => unreachable!("{rule} is no rule of the log"),
    }
}

fn spoil_a_consumer(rule: Rule, operations: &mut Vec<Operation>, rng: &mut Rng) {
    let end = operations.len() - 1;
    let home = record(operations, 0).partition;
    let mut all: Vec<Place> = operations.iter().filter_map(place).collect();
    all.retain(|place| place.partition == home);
    all.sort_by_key(|place| place.offset);
    all.dedup();
    match rule {
        // One passes over a record; so that it is not lost, another reads them all.
        Rule::Skipped => {
            let passed = 1 + rng.below(all.len() - 2);
            let mut polls: Vec<Operation> = all.iter().map(|place| read(*place, 5)).collect();
            polls.remove(passed);
            polls.extend(all.iter().map(|place| read(*place, 6)));
            operations.splice(end..end, polls);
        }
        Rule::Rewound => {
            let from = rng.below(all.len());
            let to = rng.below(from + 1);
            let polls = all[..=from].iter().chain([&all[to]]).map(|place| read(*place, 5));
            operations.splice(end..end, polls.collect::<Vec<_>>());
        }
        Rule::CommittedAhead => {
            let handed = operations.iter().position(|o| match o.event {
                Event::Polled { message: m, group, .. } => m == message(0) && group == GroupId(0),
                _ => false,
            });
            let handed = handed.expect("group 0 reads message 0");
            let Operation { process, incarnation, .. } = operations[handed];
            let Place { partition, offset, .. } = record(operations, 0);
            let ahead = Event::CommitInvoke { group: GroupId(0), partition, offset: offset + 1 };
            operations.insert(handed + 1, at(process, incarnation, ahead));
        }
        _ => unreachable!("{rule} is no rule of consumers"),
    }
}

/// Where a message stands, and its key.
#[derive(Copy, Clone, PartialEq, Eq)]
struct Place {
    message: MessageId,
    key: u64,
    partition: PartitionId,
    offset: u64,
}

fn place(o: &Operation) -> Option<Place> {
    match o.event {
        Event::Polled { message, key, partition, offset, .. } => {
            Some(Place { message, key, partition, offset })
        }
        _ => None,
    }
}

/// The place of a message that somebody has read.
fn record(operations: &[Operation], number: u32) -> Place {
    let mut places = operations.iter().filter_map(place);
    places.find(|place| place.message == message(number)).expect("everything is read")
}

/// The stranger reads this record for this group.
fn read(Place { message, key, partition, offset }: Place, group: u16) -> Operation {
    let (_, number) = message.planned().expect("the tests send planned messages only");
    let (group, payload) = (GroupId(group), payload(number));
    at(STRANGER, 0, Event::Polled { group, message, key, partition, offset, payload })
}

fn is_ok_of(o: &Operation, number: u32) -> bool {
    matches!(o.event, Event::SendOk { message: m, .. } if m == message(number))
}

fn is_effect_of(o: &Operation, number: u32, at: SinkId) -> bool {
    matches!(o.event, Event::Effect { message: m, sink, .. } if m == message(number) && sink == at)
}

fn any(operations: &[Operation], rng: &mut Rng, which: impl Fn(&Event) -> bool) -> usize {
    let all: Vec<usize> = (0..operations.len()).filter(|&i| which(&operations[i].event)).collect();
    rng.pick(&all)
}
