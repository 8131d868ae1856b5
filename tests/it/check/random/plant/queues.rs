//! Anomalies of queues and of patterns.

use super::super::super::text::{message, payload};
use super::super::queue::{DEAD, DONE, FENCED, QUEUE, STEPS, WORKERS};
use super::super::{Rng, at};
use super::{STRANGER, is_effect_of};
use postulate::check::Rule;
use postulate::history::{Event, Operation};
use postulate::id::SinkId;

pub fn spoil_the_queue(rule: Rule, operations: &mut Vec<Operation>, rng: &mut Rng) {
    let end = operations.len() - 1;
    let group = WORKERS;
    let again =
        Event::Received { group, message: message(0), key: 0, delivery: 0, payload: payload(0) };
    match rule {
        // To one who had it confirmed, or who began after that.
        Rule::Resurrected => {
            let settled = Event::AckOk { group, message: message(0) };
            let settled = operations.iter().position(|o| o.event == settled);
            match settled.map(|place| operations[place]) {
                Some(confirmed) if rng.below(2) == 0 => {
                    operations.insert(end, Operation { event: again, ..confirmed });
                }
                Some(_) => {
                    operations.splice(end..end, [Event::Boot, again].map(|e| at(STRANGER, 7, e)));
                }
                // Nobody knows whether it is settled.
                None => {
                    let event = Event::AckOk { group, message: message(0) };
                    let invoke = Event::AckInvoke { group, message: message(0) };
                    let all = [invoke, event, again].map(|event| at(STRANGER, 0, event));
                    operations.splice(end..end, all);
                }
            }
        }
        // As often as anything may explain, and once more.
        Rule::RedeliveryBound => {
            let explains = |o: &&Operation| {
                let ends = o.event.message() == Some(message(0))
                    && matches!(o.event, Event::Returned { .. } | Event::AckInfo { .. });
                let lapses = matches!(o.event, Event::Lapsed { .. } | Event::Down { .. });
                ends || lapses || o.process == QUEUE
            };
            let times = 1 + operations.iter().filter(explains).count();
            let sent = operations.iter().position(|o| match o.event {
                Event::SendInvoke { message: m, .. } => m == message(0),
                _ => false,
            });
            let from = sent.expect("it is sent") + 1;
            let all = vec![at(STRANGER, 0, again); times];
            operations.splice(from..from, all);
        }
        // By one whose turn is long over, or who never had one.
        Rule::Fence => {
            let late = rng.below(2) == 0;
            for (number, token) in [(6000, 1000), (5000, 0)] {
                let (act, sink) = (message(number), FENCED);
                let begins = Event::Acting { message: act, sink, token };
                let effect = Event::Effect { message: act, sink, payload: 0 };
                let end = operations.len() - 1;
                if late || token > 0 {
                    operations.insert(end, at(STRANGER, 0, begins));
                }
                let end = operations.len() - 1;
                operations.insert(end, at(STRANGER, 0, effect));
            }
        }
        _ => unreachable!("{rule} is no rule of queues"),
    }
}

pub fn spoil_a_pattern(rule: Rule, operations: &mut Vec<Operation>, rng: &mut Rng) {
    let dead =
        at(STRANGER, 0, Event::Effect { message: message(0), sink: DEAD, payload: payload(0) });
    match rule {
        Rule::Overtaken if rng.below(2) == 0 => {
            let sink = rng.pick(&DONE);
            let [first, second] = [0, 1].map(|number| landing(operations, number, sink));
            operations[first..=second].rotate_left(1);
        }
        Rule::Overtaken => {
            let second = landing(operations, 1, rng.pick(&DONE));
            operations.insert(second, dead);
        }
        Rule::Accounting if rng.below(2) == 0 => {
            operations.retain(|o| !DONE.iter().any(|sink| is_effect_of(o, 0, *sink)));
        }
        Rule::Accounting => {
            let end = operations.len() - 1;
            operations.insert(end, dead);
        }
        Rule::Torn => operations.retain(|o| !is_effect_of(o, 0, DONE[1])),
        Rule::Uncompensated => operations.retain(|o| !is_effect_of(o, 0, STEPS[0][0])),
        _ => unreachable!("{rule} is no rule of patterns"),
    }
}

/// Messages wait: too many at a time, in the end, or for too long. Returns what is promised.
pub fn pile_up(operations: &mut Vec<Operation>, rng: &mut Rng) -> &'static str {
    let end = operations.len() - 1;
    match rng.below(3) {
        0 => {
            let stray = message(60);
            let all = [Event::invoke(stray, 0, 1), Event::acknowledged(stray)];
            operations.splice(end..end, all.map(|event| at(STRANGER, 0, event)));
            "idempotent, settled g2, backlog s0 cap0 rest1 500ms"
        }
        1 => {
            operations.retain(|o| !is_effect_of(o, 0, SinkId(2)));
            "idempotent, settled g2, backlog s2 rest0 500ms"
        }
        _ => {
            let effect = operations.remove(landing(operations, 0, SinkId(2)));
            let end = operations.len() - 1;
            let meanwhile = vec![at(STRANGER, 3, Event::Boot); 11];
            operations.splice(end..end, meanwhile.into_iter().chain([effect]));
            "idempotent, settled g2, backlog s2 rest0 10ms"
        }
    }
}

/// Where in the history a message takes effect first.
fn landing(operations: &[Operation], number: u32, sink: SinkId) -> usize {
    let is_it = |o: &Operation| is_effect_of(o, number, sink);
    operations.iter().position(is_it).expect("everything takes effect")
}
