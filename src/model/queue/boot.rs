//! What a boot makes of the commands on the disk.

use super::{
    COMMANDS, Ctx, DedupKept, Hold, Line, Publication, QueueBroker, QueueCommand, QueuePolicy,
    State, Tail, Window,
};
use crate::id::QueueId;
use crate::journal::Journals;
use crate::model::queue::line::{Holding, Slot};
use crate::model::record::Record;
use crate::time::Instant;

/// Numbers of different processes never meet: what a power cut undid may be in somebody's hands.
const NUMBERS: u32 = 40;

/// The broker as its disk has it. Times count from the start of the process, which is not known
/// yet.
pub(super) fn boot(
    policy: QueuePolicy,
    incarnation: u16,
    disk: Journals<'_, Record>,
) -> QueueBroker {
    let mut broker = QueueBroker {
        policy,
        tail: Tail::open(COMMANDS, disk),
        lines: (0..policy.queues_in_all()).map(|queue| Line::new(QueueId(queue))).collect(),
        window: Window::new(policy.dedup),
        next: u64::from(incarnation) << NUMBERS,
        subscriptions: Vec::new(),
        turn: 0,
        parked: Vec::new(),
        waiting: Vec::new(),
        unread: Vec::new(),
        tick: None,
        interval_runs: false,
    };
    let mut named = Vec::new();
    for (position, stored) in disk.records(COMMANDS) {
        let Some(Record::Queue(command)) = stored.intact() else { continue };
        if let QueueCommand::Published(publication) = command
            && let Some(id) = publication.id
        {
            named.push((id, publication.at_ms, position.0, publication.number));
        }
        broker.replay(command);
    }
    for (id, at_ms, position, number) in named {
        let is_stored = || broker.lines.iter().any(|line| line.slots.contains_key(&number));
        let is_known = match policy.dedup_kept {
            DedupKept::All => true,
            DedupKept::Stored => is_stored(),
            DedupKept::None => false,
        };
        if is_known {
            broker.window.enter(id, at_ms, position);
        }
    }
    broker
}

impl QueueBroker {
    fn replay(&mut self, command: &QueueCommand) {
        match *command {
            QueueCommand::Published(ref publication) => self.found(publication),
            QueueCommand::Delivered { queue, number, attempt, owner, lease } => {
                let until = match self.policy.hold {
                    Hold::Lease => Instant::START + lease,
                    Hold::UntilClaimed => Instant::NEVER,
                    // The connection has gone with the process.
                    Hold::UntilDisconnect => Instant::START,
                };
                let holding = Holding { owner, since: Instant::START, until, pushed: false };
                if let Some(slot) = self.stored(queue, number) {
                    slot.attempt = attempt;
                    slot.state = State::Held(holding);
                }
            }
            QueueCommand::Requeued { queue, number, delay } => {
                if let Some(slot) = self.stored(queue, number) {
                    slot.state = State::Ready(Instant::START + delay);
                }
            }
            QueueCommand::Died { queue, number, death } => {
                if let Some(slot) = self.stored(queue, number) {
                    slot.state = State::Dying(death, 0);
                }
            }
            QueueCommand::Acked { queue, number }
            | QueueCommand::Removed { queue, number }
            | QueueCommand::Dropped { queue, number, .. } => {
                if let Some(line) = self.lines.get_mut(queue.index()) {
                    line.slots.remove(&number);
                }
            }
        }
    }

    fn found(&mut self, publication: &Publication) {
        let Publication { number, queues, death, at_ms, entry, .. } = *publication;
        let mut slot = Slot::new(entry, at_ms, State::Ready(Instant::START));
        slot.recovered = true;
        if let Some((to, death)) = death {
            slot.death = Some(death);
            if let Some(line) = self.lines.get_mut(to.index()) {
                line.slots.insert(number, slot);
            }
            return;
        }
        for line in &mut self.lines[..usize::from(self.policy.queues)] {
            if queues & 1 << line.id.0 != 0 {
                line.slots.insert(number, slot);
            }
        }
    }

    fn stored(&mut self, queue: QueueId, number: u64) -> Option<&mut Slot> {
        self.lines.get_mut(queue.index())?.slots.get_mut(&number)
    }

    /// The process has started: counts from now what the disk knows no instant of, and goes on
    /// with dead letters that were on their way. Each may be published a second time.
    pub(super) fn resume(&mut self, ctx: &mut Ctx<'_>) {
        if self.is_damaged() {
            return;
        }
        let now = ctx.now();
        let after = now.since(Instant::START);
        for queue in 0..self.lines.len() {
            let numbers: Vec<u64> = self.lines[queue].slots.keys().copied().collect();
            let id = QueueId(queue as u16);
            for number in numbers {
                let slot = self.slot_mut(id, number);
                match &mut slot.state {
                    State::Held(holding) if holding.until == Instant::START => {
                        self.give_back(id, number, Instant::START, ctx);
                    }
                    State::Held(holding) => {
                        holding.since += after;
                        if holding.until != Instant::NEVER {
                            holding.until += after;
                        }
                    }
                    State::Ready(from) => *from += after,
                    State::Dying(death, _) => {
                        let (death, slot) = (*death, *slot);
                        if let Some(to) = self.policy.dead_letters(id) {
                            let letter = self.publish_letter(to, &slot, death, ctx);
                            self.slot_mut(id, number).state = State::Dying(death, letter);
                        }
                    }
                    State::Landing(_) => {}
                }
            }
        }
        self.bury(ctx);
    }
}
