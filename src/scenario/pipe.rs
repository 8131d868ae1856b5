//! A scenario put together: machines with built-in programs, their workload and their promises.

use super::{Factory, Positive, PromiseName, Scenario, policies};
use crate::check::{Handling, Promise, Replica};
use crate::history::Effect;
use crate::id::{GroupId, KnobId, MessageId, NodeId, SinkId};
use crate::journal::Journals;
use crate::model::broker::Policy as BrokerPolicy;
use crate::model::consumer::{Apply, ConsumerPolicy, FetchPolicy};
use crate::model::external::ExternalPolicy;
use crate::model::half::HalfPolicy;
use crate::model::producer::ProducerPolicy;
use crate::model::queue::QueuePolicy;
use crate::model::relay::RelayPolicy;
use crate::model::saga::{Orders, Participant, SagaPolicy};
use crate::model::service::{ServicePolicy, WritePolicy};
use crate::model::store::Isolation;
use crate::model::worker::{Intake, WorkerPolicy};
use crate::model::{
    self, Broker, Consumer, DatabaseServer, External, HalfBroker, Moment, Producer, QueueBroker,
    Record, Relay, Service, Worker,
};
use crate::node::{Machine, Planned, Seat, System};
use crate::profile::{FaultClass, Knob, Profile, Unit};
use crate::time::Span;
use std::fmt;

mod queues;
mod sagas;

/// The system of a [`Scenario`].
pub struct Pipe {
    name: String,
    machines: Vec<Machine>,
    roles: Vec<Role>,
    plan: Vec<Planned>,
    promises: Vec<Promise>,
    profile: Profile,
    knobs: Vec<Knob>,
    /// What the knobs set, knob by knob.
    dials: Vec<Dial>,
}

/// The program of a machine, before its knobs are set.
enum Role {
    Broker(BrokerPolicy),
    Queue(Box<QueuePolicy>),
    Producer(ProducerPolicy),
    Consumer(ConsumerPolicy),
    Worker(Box<WorkerPolicy>),
    Service(ServicePolicy),
    Orders(SagaPolicy),
    /// With the step that it takes.
    Participant(SagaPolicy, u8),
    Database(Isolation),
    External(ExternalPolicy),
    Half(Box<HalfPolicy>),
    Relay(Box<RelayPolicy>),
    Program(Factory),
}

/// What a knob sets.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Dial {
    InFlight,
    Timeout,
    Deadline,
    Batch,
    WaitMax,
}

impl Pipe {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let machines = scenario.machines();
        let roles = roles(scenario);
        debug_assert_eq!(machines.len(), roles.len(), "each machine has a program");
        let (dials, knobs) = knobs(scenario).into_iter().unzip();
        Self {
            name: scenario.name.clone(),
            machines,
            roles,
            plan: plan(scenario),
            promises: promises(scenario),
            profile: scenario.profile(),
            knobs,
            dials,
        }
    }

    fn knobs_of<'a>(&'a self, seat: &'a Seat<'_>) -> impl Iterator<Item = (Dial, u64)> {
        self.dials.iter().zip(0..).map(|(&dial, knob)| (dial, seat.knob(KnobId(knob))))
    }

    fn producer(
        &self,
        mut policy: ProducerPolicy,
        seat: &Seat<'_>,
        disk: Journals<'_, Record>,
    ) -> Producer {
        self.tune_producer(&mut policy, seat);
        Producer::boot(policy, seat, disk)
    }

    fn tune_producer(&self, policy: &mut ProducerPolicy, seat: &Seat<'_>) {
        for (dial, value) in self.knobs_of(seat) {
            match dial {
                Dial::InFlight => policy.in_flight = value as u8,
                Dial::Timeout => policy.timeout = Span::nanos_of(value),
                Dial::Deadline => policy.deadline = Span::nanos_of(value),
                Dial::Batch | Dial::WaitMax => {}
            }
        }
    }

    fn consumer(
        &self,
        mut policy: ConsumerPolicy,
        seat: &Seat<'_>,
        disk: Journals<'_, Record>,
    ) -> Consumer {
        self.tune_fetch(&mut policy.fetch, seat);
        Consumer::boot(policy, seat, disk)
    }

    fn tune_fetch(&self, policy: &mut FetchPolicy, seat: &Seat<'_>) {
        for (dial, value) in self.knobs_of(seat) {
            match dial {
                Dial::Batch => policy.batch = value as u16,
                Dial::WaitMax => policy.wait_max = Span::nanos_of(value),
                Dial::InFlight | Dial::Timeout | Dial::Deadline => {}
            }
        }
    }

    fn worker(
        &self,
        mut policy: WorkerPolicy,
        seat: &Seat<'_>,
        disk: Journals<'_, Record>,
    ) -> Worker {
        if let Intake::Pull { batch, wait_max, .. } = &mut policy.intake {
            for (dial, value) in self.knobs_of(seat) {
                match dial {
                    Dial::Batch => *batch = value as u16,
                    Dial::WaitMax => *wait_max = Span::nanos_of(value),
                    Dial::InFlight | Dial::Timeout | Dial::Deadline => {}
                }
            }
        }
        Worker::boot(policy, seat, disk)
    }

    fn service(
        &self,
        mut policy: ServicePolicy,
        seat: &Seat<'_>,
        disk: Journals<'_, Record>,
    ) -> Service {
        self.tune_producer(&mut policy.producer, seat);
        self.tune_fetch(&mut policy.fetch, seat);
        Service::boot(policy, seat, disk)
    }

    fn saga(&self, mut policy: SagaPolicy, seat: &Seat<'_>) -> SagaPolicy {
        self.tune_producer(&mut policy.producer, seat);
        self.tune_fetch(&mut policy.fetch, seat);
        policy
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("name", &self.name)
            .field("machines", &self.machines)
            .finish_non_exhaustive()
    }
}

impl System for Pipe {
    type Node = model::Machine;

    fn name(&self) -> &str {
        &self.name
    }

    fn machines(&self) -> &[Machine] {
        &self.machines
    }

    fn boot(&self, seat: &Seat<'_>, disk: Journals<'_, Record>) -> model::Machine {
        match &self.roles[seat.id.index()] {
            Role::Broker(policy) => model::Machine::Broker(Broker::boot(*policy, disk)),
            Role::Queue(policy) => {
                model::Machine::Queue(Box::new(QueueBroker::boot(**policy, seat, disk)))
            }
            Role::Producer(policy) => model::Machine::Producer(self.producer(*policy, seat, disk)),
            Role::Consumer(policy) => model::Machine::Consumer(self.consumer(*policy, seat, disk)),
            Role::Worker(policy) => {
                model::Machine::Worker(Box::new(self.worker(**policy, seat, disk)))
            }
            Role::Service(policy) => {
                model::Machine::Service(Box::new(self.service(*policy, seat, disk)))
            }
            Role::Orders(policy) => {
                let policy = self.saga(*policy, seat);
                model::Machine::Orders(Box::new(Orders::boot(policy, seat, disk)))
            }
            Role::Participant(policy, step) => {
                let policy = self.saga(*policy, seat);
                model::Machine::Participant(Box::new(Participant::boot(policy, *step, seat, disk)))
            }
            Role::Database(isolation) => {
                model::Machine::Database(DatabaseServer::boot(*isolation, disk))
            }
            Role::External(policy) => model::Machine::External(External::boot(*policy, disk)),
            Role::Half(policy) => {
                let mut policy = **policy;
                self.tune_producer(&mut policy.producer, seat);
                model::Machine::Half(Box::new(HalfBroker::boot(policy, seat, disk)))
            }
            Role::Relay(policy) => {
                let mut policy = **policy;
                self.tune_producer(&mut policy.producer, seat);
                model::Machine::Relay(Box::new(Relay::boot(policy, seat, disk)))
            }
            Role::Program(factory) => model::Machine::Custom(factory(seat, disk)),
        }
    }

    fn plan(&self, _knobs: &[u64], plan: &mut Vec<Planned>) {
        plan.extend_from_slice(&self.plan);
    }

    #[inline]
    fn effects(&self, record: &Record, effects: &mut Vec<Effect>) {
        record.effects(effects);
    }

    fn promises(&self) -> &[Promise] {
        &self.promises
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn knobs(&self) -> &[Knob] {
        &self.knobs
    }

    fn sites(&self) -> &'static [&'static str] {
        Moment::NAMES
    }
}

fn roles(scenario: &Scenario) -> Vec<Role> {
    let broker = match &scenario.queue {
        Some(section) => Role::Queue(Box::new(policies::queue(scenario, section))),
        None => Role::Broker(policies::broker(scenario)),
    };
    let mut roles = vec![broker];
    let producer = policies::producer(scenario);
    let saga = scenario.saga.as_ref().map(|section| policies::saga(scenario, section));
    roles.extend((0..scenario.workload.producers.get()).map(|n| match (scenario.service, saga) {
        (Some(section), _) => Role::Service(policies::service(scenario, section, n as u16)),
        (None, Some(policy)) => Role::Orders(policy),
        (None, None) => Role::Producer(producer),
    }));
    if let Some(policy) = saga {
        roles.extend((0..policy.steps).map(|step| Role::Participant(policy, step)));
    }
    for group in (0..scenario.consumer.groups.get()).filter(|_| saga.is_none()) {
        for member in 0..scenario.consumer.members.get() {
            let (group, member) = (group as u16, member as u16);
            roles.push(match &scenario.queue {
                Some(section) => {
                    Role::Worker(Box::new(policies::worker(scenario, section, group, member)))
                }
                None => Role::Consumer(policies::consumer(scenario, group, member)),
            });
        }
    }
    roles.extend(scenario.database.map(|section| Role::Database(section.isolation)));
    let external = scenario.external.as_ref();
    roles.extend(external.map(|section| Role::External(policies::external(scenario, section))));
    let half = scenario.half.as_ref();
    roles.extend(half.map(|section| Role::Half(Box::new(policies::half(scenario, section)))));
    roles.extend(scenario.relay.iter().flat_map(|section| {
        let relay = move |_| Role::Relay(Box::new(policies::relay(scenario, section)));
        (0..section.count.get()).map(relay)
    }));
    roles.extend(scenario.undertakers().map(|policy| Role::Worker(Box::new(policy))));
    let programs = scenario.programs.iter();
    roles.extend(programs.filter_map(|program| {
        scenario.factory(&program.name).map(|factory| Role::Program(factory.clone()))
    }));
    roles
}

fn plan(scenario: &Scenario) -> Vec<Planned> {
    let workload = &scenario.workload;
    let producers = (1..=workload.producers.get()).map(|n| (n, workload.messages.get()));
    let programs = scenario.machines().len() - scenario.programs.len();
    let programs = (programs as u32..).zip(scenario.programs.iter().map(|p| p.messages));
    let mut plan = Vec::new();
    for (node, messages) in producers.chain(programs) {
        let node = NodeId(node as u16);
        plan.extend((0..messages).map(|number| Planned {
            node,
            message: MessageId::new(node, number),
            key: u64::from(number % workload.keys.get()),
            at: workload.pace.times(u64::from(number)),
        }));
    }
    plan
}

fn promises(scenario: &Scenario) -> Vec<Promise> {
    let named = scenario.promises.iter().flat_map(|&name| match &scenario.saga {
        Some(section) => sagas::promises(section, name),
        None => promised(scenario, name),
    });
    named.chain(scenario.own_promises.iter().cloned()).collect()
}

/// How long each record is sure to be kept, if not for ever. The broker measures that by its own
/// clock: one that drifts is fast by less than a tenth, one that steps vouches for nothing, and no
/// age tells how many records have come since.
fn kept_for(scenario: &Scenario) -> Option<Span> {
    let by_age = scenario.broker.retention.map(Positive::get);
    let by_count = scenario.broker.retention_records.map(|_| Span::ZERO);
    let steps = scenario.run.envelope.contains(&FaultClass::ClockStep);
    let sure =
        |span: Span| if steps { Span::ZERO } else { span - Span::nanos_of(span.nanos() / 10) };
    by_count.or(by_age.map(sure))
}

fn promised(scenario: &Scenario, name: PromiseName) -> Vec<Promise> {
    let groups = 0..scenario.consumer.groups.get();
    let sinks = groups.clone().map(|group| scenario.sink(group as u16)).collect();
    let promise = match name {
        PromiseName::AtMostOnce => Promise::AtMostOnce { sinks },
        PromiseName::AtLeastOnce => Promise::AtLeastOnce { sinks },
        PromiseName::ExactlyOnce => Promise::ExactlyOnce { sinks },
        PromiseName::IdempotentProducer => Promise::IdempotentProducer,
        PromiseName::PerKeyOrder => Promise::PerKeyOrder,
        PromiseName::DurableLog => Promise::DurableLog {
            retention: kept_for(scenario),
            compacted: scenario.broker.compaction,
        },
        PromiseName::NeverCommitsAhead => Promise::NeverCommitsAhead {
            of: groups
                .map(|group| group as u16)
                .map(|group| Handling { group: GroupId(group), sink: scenario.sink(group) })
                .collect(),
        },
        PromiseName::Projected => Promise::Projected {
            replicas: groups.map(|group| scenario.consumer_node(group, 0)).collect(),
        },
        // Without orders nothing has steps, and a scenario that promises this is refused.
        PromiseName::Compensated => Promise::Compensated { steps: Vec::new() },
        PromiseName::Atomic => Promise::Atomic {
            sinks: services(scenario).filter_map(|state| state.sink).chain(sinks).collect(),
        },
        PromiseName::Convergent => Promise::Convergent {
            replicas: groups
                .map(|group| table(scenario, group))
                .chain(services(scenario))
                .collect(),
        },
        PromiseName::Accounted
        | PromiseName::OrderedEffects
        | PromiseName::BoundedRedelivery
        | PromiseName::SettledForGood
        | PromiseName::Fenced
        | PromiseName::BoundedBacklog => return queues::promised(scenario, name),
    };
    vec![promise]
}

/// Who holds what a group has done, and how that follows from its effects.
fn table(scenario: &Scenario, group: u32) -> Replica {
    let own = scenario.consumer_node(group, 0);
    let (node, sink) = match scenario.consumer.apply {
        Apply::Insert => (None, true),
        // A projection is no set of effects.
        Apply::Upsert => (None, false),
        Apply::Database => (scenario.database_node(), true),
        Apply::External => (scenario.external_node(), true),
    };
    Replica { node: node.unwrap_or(own), sink: sink.then(|| scenario.sink(group as u16)) }
}

/// The services, each with the sink of its state; those that write by an outbox have theirs in one
/// database.
fn services(scenario: &Scenario) -> impl Iterator<Item = Replica> {
    let groups = scenario.consumer.groups.get() as u16;
    let shared = scenario.database_node().filter(|_| scenario.writes_by(WritePolicy::Outbox));
    let services = match (scenario.service, shared) {
        (None, _) => 0,
        (Some(_), Some(_)) => 1,
        (Some(_), None) => scenario.workload.producers.get() as u16,
    };
    (0..services).map(move |service| {
        let node = shared.unwrap_or(NodeId(1 + service));
        Replica { node, sink: Some(SinkId(groups + service)) }
    })
}

impl Dial {
    fn unit(self) -> Unit {
        match self {
            Self::InFlight | Self::Batch => Unit::Number,
            Self::Timeout | Self::Deadline | Self::WaitMax => Unit::Nanoseconds,
        }
    }
}

fn knobs(scenario: &Scenario) -> Vec<(Dial, Knob)> {
    let Scenario { producer, consumer, vary, .. } = scenario;
    let spans = |stated: Positive, others: &[Positive]| -> Vec<u64> {
        [stated].iter().chain(others).map(|span| span.get().nanos()).collect()
    };
    let in_flight = [producer.in_flight].into_iter().chain(vary.in_flight.iter().copied());
    let batch = [consumer.batch].into_iter().chain(vary.batch.iter().copied());
    let wait_max = [consumer.wait_max].into_iter().chain(vary.wait_max.iter().copied());
    [
        (Dial::InFlight, "producer.in_flight", in_flight.map(|n| u64::from(n.get())).collect()),
        (Dial::Timeout, "producer.timeout", spans(producer.timeout, &vary.timeout)),
        (Dial::Deadline, "producer.deadline", spans(producer.deadline, &vary.deadline)),
        (Dial::Batch, "consumer.batch", batch.map(|n| u64::from(n.get())).collect()),
        (Dial::WaitMax, "consumer.wait_max", wait_max.map(Span::nanos).collect()),
    ]
    .into_iter()
    .filter(|(_, _, values): &(_, _, Vec<u64>)| values.len() > 1)
    .map(|(dial, name, values)| (dial, Knob { name, unit: dial.unit(), values }))
    .collect()
}
