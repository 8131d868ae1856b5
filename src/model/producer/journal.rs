//! A producer's journal: the sends that it has begun, and those that are acknowledged.

use super::client::Again;
use crate::digest::Digest;
use crate::id::{FileId, Ticket};
use crate::journal::Journals;
use crate::model::message::Message;
use crate::model::record::Record;
use crate::model::tail::{Synced, Tail};
use crate::node::{Context, DiskError};
use crate::time::Span;

/// How long a producer is down after its disk has failed it.
const DISK_FAILED: Span = Span::millis(10);

/// A file in which each send is written down before it is transmitted, and again once it is
/// acknowledged or has definitely failed. No send waits for the disk: what a power cut undoes is a
/// message forgotten, or sent once more.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    tail: Tail,
}

type Ctx<'a> = Context<'a, Message, Record>;

impl Journal {
    /// The journal as a boot finds it.
    pub(super) fn open(file: FileId, disk: Journals<'_, Record>) -> Self {
        Self { tail: Tail::open(file, disk) }
    }

    /// The messages that were begun and not acknowledged, in the order of their last attempts, each
    /// with the number of its next one.
    pub(super) fn unfinished(file: FileId, disk: Journals<'_, Record>) -> Vec<Again> {
        let mut unfinished: Vec<Again> = Vec::new();
        for record in disk.intact(file) {
            match *record {
                Record::Sending { message, key, attempt } => {
                    unfinished.retain(|begun| begun.message != message);
                    unfinished.push(Again { message, key, attempt: attempt + 1 });
                }
                Record::Answered { message } => {
                    unfinished.retain(|begun| begun.message != message);
                }
                _ => {}
            }
        }
        unfinished
    }

    /// Cuts a torn tail off.
    pub(super) fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.tail.start(ctx);
    }

    pub(super) fn append(&mut self, record: Record, ctx: &mut Ctx<'_>) {
        self.tail.append(record, ctx);
        self.tail.flush(ctx);
    }

    /// A sync has ended.
    pub(super) fn synced(
        &mut self,
        ticket: Ticket,
        result: Result<(), DiskError>,
        ctx: &mut Ctx<'_>,
    ) {
        match self.tail.synced(ticket, result, ctx) {
            Synced::Other => {}
            Synced::Advanced => self.tail.flush(ctx),
            Synced::Failed => ctx.restart(DISK_FAILED),
        }
    }

    pub(super) fn fingerprint(&self, digest: &mut Digest) {
        self.tail.fingerprint(digest);
    }
}
