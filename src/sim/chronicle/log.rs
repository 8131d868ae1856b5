//! A chronicle as events of `tracing`, while it is written.
//!
//! Whatever happens at a machine is said inside the span `machine`, which carries the machine's
//! `name`, its `incarnation` and the virtual time, in words as `at` and in nanoseconds as `at_ns`.
//! The span stays entered until something else happens: what the machine's program says in its
//! callback stands in the same one.

use super::{Moment, MomentKind, Passage};
use tracing::{Span, debug, error_span, info, warn};

/// Says what happens to whoever subscribes.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The names of the machines.
    names: Vec<String>,
    stamp: Option<Stamp>,
}

impl Log {
    pub(super) fn of(names: Vec<String>) -> Self {
        Self { names, stamp: None }
    }

    /// `moment` happens now.
    pub(super) fn moment(&mut self, moment: &Moment) {
        let Moment { at, node, incarnation, kind, text, .. } = moment;
        let name = node.map_or("world", |node| self.names[node.index()].as_str());
        // The span before is left before this one is made: they do not stand in each other.
        self.stamp = None;
        // No filter by level is to take the stamp away.
        let span = error_span!(
            target: "postulate",
            "machine",
            name,
            incarnation,
            at = %at,
            at_ns = at.nanos(),
        );
        self.stamp = Some(Stamp::enter(span));
        let kind = kind.slug();
        if warns(moment.kind) {
            warn!(target: "postulate", kind, "{text}");
        } else {
            info!(target: "postulate", kind, "{text}");
        }
    }

    /// The machine of the newest moment sends this.
    pub(super) fn send(&self, passage: &Passage) {
        debug!(target: "postulate", "sends {} to {}", passage.text, self.names[passage.to.index()]);
    }
}

/// The machine of the newest moment does this.
pub(super) fn deed(told: &str) {
    debug!(target: "postulate", "{told}");
}

/// Whether it is a fault, or what a fault does.
const fn warns(kind: MomentKind) -> bool {
    match kind {
        MomentKind::Drop
        | MomentKind::Void
        | MomentKind::Dead
        | MomentKind::Crash
        | MomentKind::PowerCut
        | MomentKind::Fault => true,
        MomentKind::Boot
        | MomentKind::Message
        | MomentKind::Timer
        | MomentKind::Sync
        | MomentKind::Notice
        | MomentKind::Input
        | MomentKind::Exit
        | MomentKind::Resume
        | MomentKind::Lift
        | MomentKind::Heal
        | MomentKind::End => false,
    }
}

/// A span that is entered until this is dropped, on the thread that entered it. Unlike the guard of
/// the span itself it may lie in a world that is sent to another thread between its runs.
#[derive(Debug)]
struct Stamp(Span);

impl Stamp {
    fn enter(span: Span) -> Self {
        span.with_subscriber(|(id, subscriber)| subscriber.enter(id));
        Self(span)
    }
}

impl Drop for Stamp {
    fn drop(&mut self) {
        self.0.with_subscriber(|(id, subscriber)| subscriber.exit(id));
    }
}
