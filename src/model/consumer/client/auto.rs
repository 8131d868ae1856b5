//! Commits that nobody asks for: from time to time, of what was returned.

use super::{ConsumerClient, Ctx};
use crate::digest::Digest;
use crate::id::TimerId;
use crate::model::site::Moment;
use crate::node::Work;
use crate::time::{Instant, Span};

/// What a client commits by itself; empty if it does not.
#[derive(Clone, Debug, Default)]
pub(super) struct AutoCommit {
    lanes: Vec<Automatic>,
    timer_runs: bool,
}

#[derive(Copy, Clone, Debug, Default)]
struct Automatic {
    /// What was committed last.
    committed: u64,
    /// One above what was handed last.
    handed: u64,
    /// When the last interval ended; none has begun if there is none.
    since: Option<Instant>,
}

impl AutoCommit {
    fn lane(&mut self, lane: usize) -> &mut Automatic {
        if self.lanes.len() <= lane {
            self.lanes.resize(lane + 1, Automatic::default());
        }
        &mut self.lanes[lane]
    }

    /// Takes the whole state into the digest.
    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        for lane in &self.lanes {
            digest.word(lane.committed << 1 | u64::from(self.timer_runs)).word(lane.handed);
            digest.word(lane.since.map_or(u64::MAX, Instant::nanos));
        }
    }
}

impl ConsumerClient {
    /// A lane polls from `next` on: what is before has been handled. The first interval begins with
    /// the first poll.
    #[cold]
    pub(super) fn commit_if_due(
        &mut self,
        lane: usize,
        next: u64,
        interval: Span,
        ctx: &mut Ctx<'_>,
    ) {
        let now = ctx.now();
        let one = self.auto.lane(lane);
        let Some(since) = one.since else {
            *one = Automatic { committed: next, handed: next, since: Some(now) };
            return;
        };
        if now.since(since) < interval {
            return;
        }
        one.since = Some(now);
        // A poll that repeats an earlier one, or starts over, is ahead of nothing.
        if next > one.committed {
            one.committed = next;
            Moment::AutoCommitted.note(ctx);
            self.send_commit(lane, next, ctx);
        }
    }

    /// A lane hands out what is before `end`.
    #[cold]
    pub(super) fn note_handed(&mut self, lane: usize, end: u64, interval: Span, ctx: &mut Ctx<'_>) {
        self.auto.lane(lane).handed = end;
        if !self.auto.timer_runs {
            self.auto.timer_runs = true;
            ctx.set_timer(
                TimerId(self.timer.0 + self.lanes.len() as u8),
                interval,
                Work::Background,
            );
        }
    }

    /// The interval is over.
    pub(super) fn commit_handed(&mut self, ctx: &mut Ctx<'_>) {
        self.auto.timer_runs = false;
        for lane in 0..self.lanes.len() {
            let one = self.auto.lane(lane);
            if one.handed > one.committed {
                one.committed = one.handed;
                let offset = one.handed;
                Moment::AutoCommitted.note(ctx);
                self.send_commit(lane, offset, ctx);
            }
        }
    }
}
