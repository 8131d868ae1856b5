//! Workers that ask for messages.

use super::*;

const WAIT: Span = Span::millis(30);

fn pulling(claim: Option<Claim>) -> WorkerPolicy {
    let intake = Intake::Pull { batch: 2, wait_max: WAIT, claim };
    WorkerPolicy { intake, prefetch: 3, is_bound: false, work: WORK, ..policy() }
}

impl Rig {
    fn hand_out(&mut self, request: u64, numbers: &[u32], attempt: u16) -> Vec<String> {
        let incarnation = u64::from(self.worker.incarnation);
        let deliveries = numbers.iter().map(|&number| self.delivery(number, attempt)).collect();
        self.hear(QueueMessage::Received { request: incarnation << 32 | request, deliveries })
    }
}

#[test]
fn who_asks_asks_for_what_it_has_room_for() {
    let mut rig = Rig::new(pulling(None));
    assert_eq!(rig.sent(), ["receive Ready 2 #1"]);
    assert_eq!(rig.hand_out(1, &[1, 11], 1), ["receive Ready 1 #2"]);
    assert!(rig.hand_out(1, &[41], 1).is_empty(), "a late answer is not heard");
    assert!(rig.hand_out(2, &[21], 1).is_empty(), "its hands are full");
    assert_eq!(rig.fire(WORK), ["Ack 11.1", "receive Ready 1 #3"]);
    assert_eq!(rig.effects(), [11]);
}

#[test]
fn a_late_answer_costs_the_connection() {
    let mut rig = Rig::new(pulling(None));
    rig.sent();
    assert!(rig.fire(TIMEOUT).is_empty());
    assert_eq!(rig.bench.disconnects, 1);
    assert_eq!(rig.fire(Span::millis(5)), ["receive Ready 2 #2"]);
}

#[test]
fn what_was_handed_out_before_is_asked_for_first() {
    let claim = Some(Claim { idle: Span::millis(60) });
    let mut rig = Rig::new(pulling(claim));
    rig.bench.now = Instant::START + Span::millis(10);
    assert_eq!(rig.sent(), ["receive Own 2 #1"]);
    // Something new of its own: there may be more.
    assert_eq!(rig.hand_out(1, &[1], 2), ["receive Own 3 #2"]);
    // Nothing but what is in hand: on to what nobody has.
    assert_eq!(rig.hand_out(2, &[1], 3), ["receive Ready 2 #3"]);
    assert_eq!(rig.events(), ["received 1.2"]);
    // What others have held for too long comes from time to time.
    rig.bench.now = Instant::START + Span::millis(60);
    assert_eq!(rig.hand_out(3, &[], 1), ["receive Idle(60 ms) 2 #4"]);
    assert_eq!(rig.hand_out(4, &[11], 5), ["receive Ready 1 #5"]);
    assert_eq!(rig.events(), ["received 11.5"]);
    // An answer that did not come may have handed something out.
    rig.fire(TIMEOUT);
    assert_eq!(rig.fire(Span::millis(5)), ["receive Own 3 #6"]);
}
