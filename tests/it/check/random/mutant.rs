//! Histories that were legal until somebody changed something at random.

use super::super::naive::RULES;
use super::super::text::message;
use super::{Rng, author, plant, queue};
use postulate::history::{EndCause, Event, Operation};
use postulate::id::{GroupId, MessageId, NodeId, PartitionId, SinkId};
use std::collections::BTreeMap;

/// A history with an anomaly planted or not, and up to three random changes, in which every answer
/// still has its own open send.
pub fn mutated(rng: &mut Rng) -> Vec<Operation> {
    loop {
        let mut operations = some_legal(rng);
        if rng.below(3) > 0 {
            operations = author::legal(rng);
            plant(rng.pick(&RULES), &mut operations, rng);
        }
        for _ in 0..rng.below(4) {
            mutate(&mut operations, rng);
        }
        if is_sound(&operations) {
            return operations;
        }
    }
}

fn some_legal(rng: &mut Rng) -> Vec<Operation> {
    if rng.below(4) == 0 { author::forgetful(rng) } else { author::legal(rng) }
}

/// Any operations at all, sound or not.
pub fn arbitrary(rng: &mut Rng) -> Vec<Operation> {
    let mut operations = some_legal(rng);
    operations.extend(some_legal(rng));
    for _ in 0..20 {
        mutate(&mut operations, rng);
    }
    operations
}

/// Gives messages other offsets.
pub fn move_record(event: &mut Event, moves: &[(MessageId, u64)]) {
    let (Event::SendOk { message: m, offset: Some(old), .. }
    | Event::Polled { message: m, offset: old, .. }) = event
    else {
        return;
    };
    if let Some((_, new)) = moves.iter().find(|(message, _)| message == m) {
        *old = *new;
    }
}

fn mutate(operations: &mut Vec<Operation>, rng: &mut Rng) {
    if operations.len() < 2 {
        return;
    }
    let one = rng.below(operations.len());
    let other = rng.below(operations.len());
    match rng.below(18) {
        0..3 => {
            operations.remove(one);
        }
        3 => operations.truncate(one),
        4 => operations.swap(one, other),
        5 | 6 => operations.insert(other, operations[one]),
        7 => {
            if let Some(last) = operations.last_mut() {
                let causes = [
                    EndCause::Settled,
                    EndCause::Quiescent,
                    EndCause::Impatient,
                    EndCause::Broken,
                    EndCause::Budget,
                ];
                last.event = Event::End { cause: rng.pick(&causes) };
            }
        }
        8 => operations[one].process = NodeId(rng.below(16) as u16),
        9 => operations[one].incarnation ^= 1,
        10 | 11 => {
            let moves = [0, 1].map(|number| (message(number), rng.below(4) as u64));
            for operation in operations {
                move_record(&mut operation.event, &moves);
            }
        }
        _ => bend(&mut operations[one].event, rng),
    }
}

/// Changes one field.
fn bend(event: &mut Event, rng: &mut Rng) {
    let number = rng.below(5) as u32;
    match event {
        Event::SendOk { offset, partition, .. } => match rng.below(3) {
            0 => *offset = None,
            1 => *partition = PartitionId(rng.below(2) as u16),
            _ => *offset = Some(rng.below(4) as u64),
        },
        Event::Polled { group, message: m, key, offset, partition, payload } => {
            match rng.below(8) {
                0 => *m = message(number),
                1 => *payload ^= 1,
                2 => *partition = PartitionId(rng.below(2) as u16),
                3 => *group = GroupId(rng.below(2) as u16),
                4 => *key = rng.below(3) as u64,
                _ => *offset = rng.below(4) as u64,
            }
        }
        Event::CommitInvoke { group, partition, offset }
        | Event::CommitOk { group, partition, offset } => match rng.below(5) {
            0 => *group = GroupId(rng.below(2) as u16),
            1 => *partition = PartitionId(rng.below(2) as u16),
            _ => *offset = rng.below(5) as u64,
        },
        Event::Effect { message: m, sink, payload } => match rng.below(3) {
            0 => *m = message(number),
            1 => *payload ^= 1,
            _ => *sink = SinkId(rng.below(11) as u16),
        },
        Event::SendInvoke { key, payload, message: m, .. } => match rng.below(4) {
            0 => *key ^= 1,
            1 => *payload ^= 1,
            _ => *m = message(number),
        },
        Event::SendFail { message: m, attempt } => {
            *event = Event::SendInfo { message: *m, attempt: *attempt };
        }
        Event::SendInfo { message: m, attempt } => {
            *event = Event::SendFail { message: *m, attempt: *attempt };
        }
        Event::Plan { message: m, .. } => *m = message(number),
        Event::Received { group, message: m, key, payload, .. } => match rng.below(8) {
            0 => *key ^= 1,
            1 => *payload ^= 1,
            2 => *group = GroupId(1 + rng.below(2) as u16),
            _ => *m = message(number),
        },
        Event::Returned { group, message: m }
        | Event::AckInvoke { group, message: m }
        | Event::AckOk { group, message: m }
        | Event::AckInfo { group, message: m } => match rng.below(4) {
            0 => *group = GroupId(1 + rng.below(2) as u16),
            1 => *m = message(number),
            2 => *event = Event::Lapsed { group: queue::WORKERS },
            _ => *event = Event::Returned { group: *group, message: *m },
        },
        Event::Lapsed { group } => *group = GroupId(1 + rng.below(2) as u16),
        Event::Acting { message: m, token, .. } => match rng.below(3) {
            0 => *m = message(1000 + rng.below(3) as u32),
            _ => *token = rng.below(6) as u64,
        },
        Event::Down { .. } => *event = Event::Heal,
        Event::View { digest } => *digest ^= 1,
        _ => {}
    }
}

/// Whether each attempt is invoked once and answered at most once, afterwards, by its own session,
/// and each ack is answered at most once, too.
fn is_sound(operations: &[Operation]) -> bool {
    let mut open = BTreeMap::new();
    for o in operations {
        let ack = |group, message| (o.process, o.incarnation, group, message);
        match o.event {
            Event::AckInvoke { group, message } => {
                *open.entry(ack(group, message)).or_insert(0) += 1;
            }
            Event::AckOk { group, message } | Event::AckInfo { group, message } => {
                match open.get_mut(&ack(group, message)) {
                    None | Some(0) => return false,
                    Some(acks) => *acks -= 1,
                }
            }
            _ => {}
        }
    }
    let sends: Vec<_> = operations.iter().filter_map(send).collect();
    sends.iter().enumerate().all(|(at, (attempt, answers))| {
        let before = |what| sends[..at].contains(&(*attempt, what));
        before(false) == *answers && !before(true)
    })
}

type Session = (NodeId, u16);

/// The attempt that an operation begins or answers, and whether it answers it.
fn send(o: &Operation) -> Option<((Session, MessageId, u16), bool)> {
    let session = (o.process, o.incarnation);
    match o.event {
        Event::SendInvoke { message, attempt, .. } => Some(((session, message, attempt), false)),
        Event::SendOk { message, attempt, .. }
        | Event::SendFail { message, attempt }
        | Event::SendInfo { message, attempt } => Some(((session, message, attempt), true)),
        _ => None,
    }
}
