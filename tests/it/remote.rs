//! A database and an external system that programs of one's own use, under faults.

use postulate::check::Rule;
use postulate::harness::Harness;
use postulate::model::database_server::{Outcome, Reply, SessionPolicy};
use postulate::model::external::{CallOutcome, CallPolicy, KeyPolicy};
use postulate::model::message::Message as Wire;
use postulate::model::store::{Row, Seen, TableId, Transaction, Write};
use postulate::model::{DatabaseClient, ExternalClient, Moment, Record as Stored};
use postulate::prelude::*;
use postulate::scenario::{Scenario, ScenarioError};

const SHOP: &str = r#"
    name = "shop"
    promises = ["at-most-once"]
    workload = { producers = 1, messages = 1 }
    database = { isolation = "serializable" }
    external = { retention = "24h" }
    run = { heal_at = "400ms", envelope = ["loss", "delay", "disconnect", "cut", "hold", "crash",
        "power-cut", "torn-write", "pause", "zombie", "rolling-restart", "timer-late"] }
    program = [
        { name = "teller", machine = "teller-1", messages = 5 },
        { name = "teller", machine = "teller-2", messages = 5 },
    ]
"#;

const INBOX: TableId = TableId(0);
const BALANCE: TableId = TableId(1);
/// Where the tellers' effects land in the database; the consumer group's sink is 0 and that of the
/// external system 1.
const BOOKED: SinkId = SinkId(2);
const PAID: SinkId = SinkId(1);

type Ctx<'a> = Context<'a, Wire, Stored>;

/// What a teller does about each of its messages.
#[derive(Debug)]
enum Act {
    /// It books it, and adds it to the balance that it has looked up before.
    Book { client: DatabaseClient, inbox: bool },
    /// It has it paid.
    Pay { client: ExternalClient },
}

#[derive(Debug)]
struct Teller {
    plan: Vec<Planned>,
    next: usize,
    act: Act,
}

impl Teller {
    fn message(&self) -> Option<MessageId> {
        self.plan.get(self.next).map(|planned| planned.message)
    }

    fn begin(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(message) = self.message() {
            ctx.record(Event::invoke(message, 0, 1));
            self.again(ctx);
        }
    }

    fn again(&mut self, ctx: &mut Ctx<'_>) {
        let Some(message) = self.message() else { return };
        match &mut self.act {
            Act::Book { client, .. } => client.select(0, Box::new([(BALANCE, 0)]), ctx),
            Act::Pay { client } => client.call(0, message, 1, ctx),
        }
    }

    fn book(&mut self, balance: &Seen, ctx: &mut Ctx<'_>) {
        let (Some(message), Act::Book { client, inbox }) = (self.message(), &mut self.act) else {
            return;
        };
        let (payload, sink) = (1, BOOKED);
        let version = balance.row.map_or(0, |row| row.version) + 1;
        let row = Row { message, version, payload };
        let mut booking = Transaction::default()
            .read(balance)
            .write(Write::Upsert { table: BALANCE, key: 0, row })
            .effect(Effect { message, sink, payload });
        if *inbox {
            booking = booking.write(Write::Insert { table: INBOX, key: message.word(), row });
        }
        client.transact(0, booking, ctx);
    }

    fn done(&mut self, ctx: &mut Ctx<'_>) {
        ctx.record(Event::acknowledged(self.plan[self.next].message));
        self.next += 1;
        self.begin(ctx);
    }

    fn unknown(&mut self, lanes: &[usize], ctx: &mut Ctx<'_>) {
        if !lanes.is_empty() {
            self.again(ctx);
        }
    }
}

impl Node for Teller {
    type Message = Wire;
    type Record = Stored;

    fn start(&mut self, ctx: &mut Ctx<'_>) {
        self.begin(ctx);
    }

    fn deliver(&mut self, _: NodeId, message: Wire, ctx: &mut Ctx<'_>) {
        match &mut self.act {
            Act::Book { client, .. } => match client.deliver(message, ctx) {
                Some((_, Reply::Rows(rows))) => self.book(&rows[0], ctx),
                Some((_, Reply::Outcome(Outcome::Committed { .. } | Outcome::Conflict(_)))) => {
                    self.done(ctx);
                }
                Some((_, Reply::Outcome(_))) => self.again(ctx),
                Some((_, Reply::Value(_))) | None => {}
            },
            Act::Pay { client } => match client.deliver(&message, ctx) {
                Some((_, CallOutcome::Done)) => self.done(ctx),
                Some((_, outcome)) => panic!("{outcome:?}"),
                None => {}
            },
        }
    }

    fn wake(&mut self, timer: TimerId, ctx: &mut Ctx<'_>) {
        let lanes = match &mut self.act {
            Act::Book { client, .. } => client.wake(timer, ctx),
            Act::Pay { client } => client.wake(timer, ctx),
        };
        self.unknown(&lanes, ctx);
    }

    fn disconnected(&mut self, peer: NodeId, ctx: &mut Ctx<'_>) {
        let lanes = match &mut self.act {
            Act::Book { client, .. } => client.disconnected(peer, ctx),
            Act::Pay { client } => client.disconnected(peer, ctx),
        };
        self.unknown(&lanes, ctx);
    }

    fn fingerprint(&self, digest: &mut Digest) {
        digest.word(self.next as u64);
        match &self.act {
            Act::Book { client, .. } => client.fingerprint(digest),
            Act::Pay { client } => client.fingerprint(digest),
        }
    }
}

/// A sweep of a shop whose tellers do `act`.
fn shop(
    sink: SinkId,
    act: impl Fn(&Seat<'_>, [NodeId; 2]) -> Act + Send + Sync + 'static,
) -> Result<Harness, ScenarioError> {
    let scenario = Scenario::from_toml("shop.toml", SHOP)?;
    let servers = [scenario.database_node(), scenario.external_node()].map(Option::unwrap);
    let scenario = scenario.promise(Promise::AtMostOnce { sinks: vec![sink] });
    let scenario = scenario.attach("teller", move |seat, _| {
        Box::new(Teller { plan: seat.plan.to_vec(), next: 0, act: act(seat, servers) })
    })?;
    Ok(Harness::new(scenario.subject()?).schedules(3_000))
}

fn booking(inbox: bool) -> Result<Harness, ScenarioError> {
    shop(BOOKED, move |seat, [server, _]| {
        let policy = SessionPolicy { server, timeout: Span::millis(50) };
        let client = DatabaseClient::new(policy, 1, TimerId(0), seat.incarnation);
        Act::Book { client, inbox }
    })
}

fn paying(key: KeyPolicy) -> Result<Harness, ScenarioError> {
    shop(PAID, move |seat, [_, server]| {
        let (timeout, backoff) = (Span::millis(50), Span::millis(10));
        let policy = CallPolicy { server, key, timeout, backoff, attempts: 3 };
        let client = ExternalClient::new(policy, 1, TimerId(0), seat.incarnation);
        Act::Pay { client }
    })
}

#[test]
fn a_unique_key_makes_bookings_of_unknown_outcome_safe_to_repeat() -> Result<(), ScenarioError> {
    let swept = booking(true)?.run();
    for moment in [Moment::UniqueRefused, Moment::SerializationAborted, Moment::CommitUnknown] {
        assert!(swept.tally.reached(moment.site()).runs > 0, "{moment:?}");
    }
    assert!(swept.tally.effects >= swept.tally.acknowledged);
    booking(false)?.expect_violation(Rule::DuplicateEffect).run();
    Ok(())
}

#[test]
fn a_key_of_the_message_makes_payments_safe_to_repeat() -> Result<(), ScenarioError> {
    let swept = paying(KeyPolicy::Message)?.run();
    assert!(swept.tally.reached(Moment::KeyKnown.site()).runs > 0);
    assert!(swept.tally.effects >= swept.tally.acknowledged);
    for key in [KeyPolicy::Attempt, KeyPolicy::None] {
        paying(key)?.expect_violation(Rule::DuplicateEffect).run();
    }
    Ok(())
}
