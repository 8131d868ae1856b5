//! The data of a scenario as a strategy.

use crate::figures::counted;
use crate::profile::{FaultClass, Transport};
use crate::run::Subject;
use crate::scenario::{Bounded, Positive, PromiseName, Scenario, ScenarioError, VarySection};
use crate::time::Span;
use proptest::sample::{select, subsequence};
use proptest::strategy::{BoxedStrategy, NewTree, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Scenarios like `base` with other sizes, times and faults.
///
/// Unless stated there are up to 3 producers of 8 messages with 3 keys, 3 partitions, 2 groups of
/// 2, and any part of the faults of `base`. Each shrinks towards the least.
///
/// Every shape is a possible scenario. A stream doubles nothing and a datagram has no connection to
/// break, so neither is among its faults; a broker waits less than the timeout of the consumers;
/// and a group of several does not promise to converge. Seeds set nothing otherwise: what could be
/// varied is drawn here.
pub fn scenarios(base: &Scenario) -> Scenarios {
    Scenarios {
        base: Arc::new(base.clone()),
        producers: 1..=3,
        messages: 1..=8,
        keys: 1..=3,
        pace: 0..=30,
        partitions: 1..=3,
        in_flight: 1..=5,
        timeout: 15..=200,
        groups: 1..=2,
        members: 1..=2,
        batch: 1..=10,
        wait_max: 0..=100,
        transports: vec![Transport::Stream, Transport::Datagram],
        envelope: base.run.envelope.clone(),
    }
}

/// The strategy of [`scenarios`].
#[derive(Clone, Debug)]
pub struct Scenarios {
    base: Arc<Scenario>,
    producers: RangeInclusive<u32>,
    messages: RangeInclusive<u32>,
    keys: RangeInclusive<u32>,
    pace: RangeInclusive<u64>,
    partitions: RangeInclusive<u32>,
    in_flight: RangeInclusive<u32>,
    timeout: RangeInclusive<u64>,
    groups: RangeInclusive<u32>,
    members: RangeInclusive<u32>,
    batch: RangeInclusive<u32>,
    wait_max: RangeInclusive<u64>,
    transports: Vec<Transport>,
    envelope: Vec<FaultClass>,
}

macro_rules! ranges {
    ($($(#[$doc:meta])* $name:ident: $number:ty),* $(,)?) => {
        impl Scenarios {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(mut self, $name: RangeInclusive<$number>) -> Self {
                self.$name = $name;
                self
            })*
        }
    };
}

ranges! {
    /// How many producers there are.
    producers: u32,
    /// How many messages each of them sends.
    messages: u32,
    /// How many routing keys they have.
    keys: u32,
    /// The time between a producer's messages, in milliseconds.
    pace: u64,
    /// How many partitions the log has.
    partitions: u32,
    /// How many requests to one partition may be unanswered.
    in_flight: u32,
    /// How long an answer to a producer may take, in milliseconds.
    timeout: u64,
    /// How many groups of consumers there are.
    groups: u32,
    /// How many members each of them has.
    members: u32,
    /// The most entries of a fetch.
    batch: u32,
    /// How long the broker may wait for data, in milliseconds.
    wait_max: u64,
}

impl Scenarios {
    /// How messages travel: one of these, the plainest first.
    #[must_use]
    pub fn transports(mut self, transports: impl IntoIterator<Item = Transport>) -> Self {
        self.transports = transports.into_iter().collect();
        self
    }

    /// The faults: any part of these, but for what the transport does not know.
    #[must_use]
    pub fn envelope(mut self, classes: impl IntoIterator<Item = FaultClass>) -> Self {
        self.envelope = classes.into_iter().collect();
        self
    }

    fn shapes(&self) -> BoxedStrategy<Shape> {
        let longest = self.base.consumer.timeout.get().nanos().div_ceil(1_000_000) - 1;
        let wait_max = longest.min(*self.wait_max.start())..=longest.min(*self.wait_max.end());
        let workload = (self.producers.clone(), self.messages.clone(), self.keys.clone());
        let producing = (self.pace.clone(), self.in_flight.clone(), self.timeout.clone());
        let log = (self.partitions.clone(), self.groups.clone(), self.members.clone());
        let reading = (self.batch.clone(), wait_max);
        let faults = subsequence(self.envelope.clone(), 0..=self.envelope.len());
        let surroundings = (select(self.transports.clone()), faults);
        let base = Arc::clone(&self.base);
        (workload, producing, log, reading, surroundings)
            .prop_map(move |(workload, producing, log, reading, (transport, envelope))| {
                let (producers, messages, keys) = workload;
                let (pace, in_flight, timeout) = producing;
                let (partitions, groups, members) = log;
                let (batch, wait_max) = reading;
                let base = Arc::clone(&base);
                let is_known = |class: &FaultClass| is_known(transport, *class);
                let envelope = envelope.into_iter().filter(is_known).collect();
                Shape {
                    producers,
                    messages,
                    keys,
                    pace,
                    partitions,
                    in_flight,
                    timeout,
                    groups,
                    members,
                    batch,
                    wait_max,
                    transport,
                    envelope,
                    base,
                }
            })
            .prop_filter("the scenario is possible", |shape| shape.subject().is_ok())
            .boxed()
    }
}

impl Strategy for Scenarios {
    type Tree = Box<dyn ValueTree<Value = Shape>>;
    type Value = Shape;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        self.shapes().new_tree(runner)
    }
}

/// What a scenario is like: what [`scenarios`] draws. Times are in milliseconds.
#[derive(Clone)]
pub struct Shape {
    /// How many producers there are.
    pub producers: u32,
    /// How many messages each of them sends.
    pub messages: u32,
    /// How many routing keys they have.
    pub keys: u32,
    /// The time between a producer's messages.
    pub pace: u64,
    /// How many partitions the log has.
    pub partitions: u32,
    /// How many requests to one partition may be unanswered.
    pub in_flight: u32,
    /// How long an answer to a producer may take.
    pub timeout: u64,
    /// How many groups of consumers there are.
    pub groups: u32,
    /// How many members each of them has.
    pub members: u32,
    /// The most entries of a fetch.
    pub batch: u32,
    /// How long the broker may wait for data.
    pub wait_max: u64,
    /// How messages travel.
    pub transport: Transport,
    /// The faults.
    pub envelope: Vec<FaultClass>,
    base: Arc<Scenario>,
}

impl Shape {
    /// The scenario of this shape.
    ///
    /// # Errors
    /// If a number is out of its bounds.
    pub fn scenario(&self) -> Result<Scenario, Box<dyn Error>> {
        let mut scenario = Scenario::clone(&self.base);
        scenario.workload.producers = Bounded::new(self.producers)?;
        scenario.workload.messages = Bounded::new(self.messages)?;
        scenario.workload.keys = Bounded::new(self.keys)?;
        scenario.workload.pace = Span::millis(self.pace);
        scenario.broker.partitions = Bounded::new(self.partitions)?;
        scenario.producer.in_flight = Bounded::new(self.in_flight)?;
        scenario.producer.timeout = Positive::try_from(Span::millis(self.timeout))?;
        scenario.consumer.groups = Bounded::new(self.groups)?;
        scenario.consumer.members = Bounded::new(self.members)?;
        scenario.consumer.batch = Bounded::new(self.batch)?;
        scenario.consumer.wait_max = Span::millis(self.wait_max);
        scenario.network.transport = self.transport;
        scenario.run.envelope.clone_from(&self.envelope);
        scenario.vary = VarySection::default();
        if self.members > 1 {
            scenario.promises.retain(|&promise| promise != PromiseName::Convergent);
        }
        Ok(scenario)
    }

    /// The system of this shape.
    ///
    /// # Errors
    /// If it is impossible.
    pub fn subject(&self) -> Result<Arc<dyn Subject>, Box<dyn Error>> {
        self.scenario()?.subject().map_err(|error: ScenarioError| error.into())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: u32, what| counted(u64::from(number), what);
        let mut lines = vec![
            format!(
                "{} with {} each, {} ms apart, over {}",
                number(self.producers, "producer"),
                number(self.messages, "message"),
                self.pace,
                number(self.keys, "key")
            ),
            format!(
                "{} in flight, answered within {} ms",
                number(self.in_flight, "request"),
                self.timeout
            ),
            format!(
                "{}, {} with {} each",
                number(self.partitions, "partition"),
                number(self.groups, "group"),
                number(self.members, "consumer")
            ),
            format!("a fetch of at most {}, after {} ms", self.batch, self.wait_max),
        ];
        let faults: Vec<_> = self.envelope.iter().map(|class| class.slug()).collect();
        let faults = if faults.is_empty() { "no faults".to_owned() } else { faults.join(", ") };
        let transport = match self.transport {
            Transport::Stream => "streams",
            Transport::Datagram => "datagrams",
        };
        lines.push(format!("{transport}, {faults}"));
        write!(f, "{}", self.base.name)?;
        if f.alternate() {
            lines.iter().try_for_each(|line| write!(f, "\n  {line}"))
        } else {
            write!(f, ": {}", lines.join("; "))
        }
    }
}

/// Whether a transport knows a fault.
const fn is_known(transport: Transport, class: FaultClass) -> bool {
    match transport {
        Transport::Stream => !matches!(class, FaultClass::Duplicate),
        Transport::Datagram => !matches!(class, FaultClass::Disconnect),
    }
}
