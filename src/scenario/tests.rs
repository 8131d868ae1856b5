use super::*;
use crate::id::NodeId;
use crate::model::consumer::InboxExpiry;
use crate::node::System;
use crate::profile::Transport;
use crate::time::Span;

const LEAST: &str = r#"name = "least"
promises = ["exactly-once"]
[workload]
producers = 1
messages = 2
"#;

/// `more` after the least scenario, whose last line is line 5, is refused in that line, and the
/// error says what would be right.
#[track_caller]
fn check(more: &str, line: usize, cure: &str) {
    let text = format!("{LEAST}{more}");
    let error = Scenario::from_toml("it.toml", &text).expect_err("it is impossible");
    assert_eq!(error.line(), Some(line), "{error}");
    let shown = error.to_string();
    assert!(shown.contains(cure), "{shown}");
    assert!(shown.starts_with(&format!("it.toml:{line}: ")), "{shown}");
}

#[test]
fn impossible_values_are_refused_in_their_line_with_the_cure() {
    check("keys = 0", 6, "write a number from 1 to 1000000");
    check("[producer]\nin_flight = 9", 7, "write a number from 1 to 5");
    check("[producer]\ntimeout = \"0s\"", 7, "\"50ms\"");
    check("[consumer]\nbatch = 0", 7, "write a number from 1 to 10000");
    check("[consumer]\nbatch = -1", 7, "write a number from 1 to 10000");
    check("[network]\nlatency = [\"9ms\", \"1ms\"]", 7, "write the least first");
    check("[network]\nloss = \"3/2\"", 7, "\"1/20\"");
    check("[network]\nlatency = [\"9\", \"10ms\"]", 7, "\"50ms\"");
}

#[test]
fn what_nobody_knows_is_refused_in_its_line_with_what_there_is() {
    check("[producer]\nidentity = \"idempotence\"", 7, "`idempotent`");
    check("[producer]\nin_fligth = 3", 7, "`in_flight`");
    check("[run]\nenvelope = [\"loss\", \"power\"]", 7, "`power-cut`");
    check("[produser]", 6, "`producer`");
    check("what is this", 6, "expected");
}

#[test]
fn values_that_do_not_go_together_are_refused_in_their_line() {
    check("[broker]\nfsync = \"interval\"", 6, "state both or neither");
    check("[broker]\nfsync_interval = \"9ms\"", 7, "state both or neither");
    check(
        "[broker]\nproducer_state = \"none\"\nunknown_producer = \"refuse\"",
        8,
        "keep producer_state",
    );
    check("[consumer]\nsettle = \"atomic\"\ncommit = \"answered\"", 8, "leave it out");
    check("[consumer]\ninbox_expiry = { entries = 9 }\ndedup = \"memory\"", 7, "dedup = \"inbox\"");
    check("[consumer]\nguard = \"none\"", 7, "apply = \"upsert\"");
    check("[consumer]\ncommit = { every = \"0s\" }", 7, "\"100ms\"");
    let periodic = "[consumer]\ncommit = { background = \"1s\" }\n";
    check(&format!("{periodic}settle = \"before\""), 7, "settle = \"after\"");
    check("[consumer]\non_failure = \"skip\"", 7, "workload.poison");
    check("[consumer]\nfailing = \"1/9\"\nretries = 3", 8, "\"park\"");
    check("[consumer]\napply = \"database\"", 7, "add the section [database]");
    check("[consumer]\nidempotency_key = \"none\"", 7, "apply = \"external\"");
    let pays = "[external]\n[consumer]\napply = \"external\"\n";
    check(&format!("{pays}settle = \"atomic\"\ndedup = \"none\""), 9, "settle = \"after\"");
    check(&format!("{pays}dedup = \"inbox\""), 9, "\"inbox-after-effect\"");
    check(&format!("{pays}dedup = \"none\"\ngroups = 2"), 10, "consumer.groups = 1");
    check(&format!("{pays}dedup = \"none\"\nuntil = \"complete\""), 10, "leave it out");
    let shares = "[database]\n[consumer]\napply = \"database\"\n";
    check(&format!("{shares}inbox_expiry = {{ entries = 9 }}"), 9, "leave it out");
    check("[consumer]\nwait_max = \"9s\"", 7, "let consumer.timeout be the longer one");
    check("[vary]\nwait_max = [\"9s\"]", 7, "the longer one");
    check("[consumer]\nmembers = 2\nuntil = \"complete\"", 8, "consumer.members = 1");
    check("[disk]\nwrite_through = true\nsync = [\"1ms\", \"2ms\"]", 8, "write_through = false");
    check("[network]\nduplicate = \"1/9\"", 7, "transport = \"datagram\"");
    check("[run]\nswarm = \"off\"\nenvelope = [\"cut\"]", 8, "swarm = \"on\"");
    check("[run]\nswarm = \"off\"\n[vary]\nbatch = [1]", 8, "run.swarm = \"on\"");
    check("[run]\nheal_at = \"9s\"\ntime_max = \"9s\"", 7, "run.time_max");
    check("[[program]]\nname = \"mine\"\nmachine = \"broker\"", 6, "a name of its own");
    check("[consumer]\ngroups = 64\nmembers = 64", 4, "at most 4000 in all");
    let datagram = "[network]\ntransport = \"datagram\"\n";
    check(&format!("{datagram}[producer]\non_timeout = \"disconnect\""), 9, "\"resend\"");
}

#[test]
fn producer_policies_that_do_not_go_together_are_refused_in_their_line() {
    let unnamed = "[producer]\nidentity = \"none\"\n";
    check("[producer]\nmessage_id = \"business-key\"", 7, "identity = \"message-id\"");
    check(&format!("{unnamed}restart = \"reuse\""), 8, "identity = \"idempotent\"");
    check(&format!("{unnamed}bump = \"renumber\""), 8, "identity = \"idempotent\"");
    check("[producer]\nacks = \"leader\"", 7, "write \"all\"");
    let unanswered = format!("{unnamed}acks = \"none\"\n");
    check(&format!("{unanswered}backoff = [\"1ms\", \"9ms\"]"), 9, "acks = \"all\"");
    check(&format!("{unanswered}retries = {{ application = 2 }}"), 9, "acks = \"all\"");
    check(&format!("{unanswered}unfinished = \"resent\""), 9, "acks = \"all\"");
    check("[producer]\nretries = { application = 0 }", 7, "from 1 to 1000");
    check("[producer]\nbackoff = [\"9ms\", \"1ms\"]", 7, "write the least first");
    check("[producer]\npartitioner = \"sticky\"", 7, "`round-robin`");
}

#[test]
fn faults_that_cannot_occur_are_no_part_of_an_envelope() {
    check("[run]\nenvelope = [\"loss\", \"duplicate\"]", 7, "leave \"duplicate\" out");
    check("[run]\nenvelope = [\"clock-step\"]", 7, "no machine reads");
    let dated = "[consumer]\ninbox_expiry = { entries = 9 }\n[run]\nenvelope = [\"clock-step\"]";
    Scenario::from_toml("it.toml", &format!("{LEAST}{dated}")).expect("its rows are dated");
    let through = "[disk]\nwrite_through = true\n[run]\n";
    check(&format!("{through}envelope = [\"torn-write\"]"), 9, "writes through");
    let datagram = "[network]\ntransport = \"datagram\"\n[run]\n";
    check(&format!("{datagram}envelope = [\"disconnect\"]"), 9, "no connection");
}

#[test]
fn what_a_table_does_not_hold_is_not_promised_of_it() {
    let refused = |promise: &str, more: &str, cure: &str| {
        let text = LEAST.replace("exactly-once", promise) + more;
        let error = Scenario::from_toml("it.toml", &text).expect_err("it is impossible");
        assert_eq!(error.line(), Some(2), "{error}");
        assert!(error.to_string().contains(cure), "{error}");
    };
    refused("projected", "", "consumer.apply = \"upsert\"");
    refused("never-commits-ahead", "[consumer]\nsettle = \"atomic\"", "leave");
    refused("convergent", "[consumer]\nmembers = 2", "consumer.members = 1");
    let upserts = "[consumer]\napply = \"upsert\"\n";
    let shortened = format!("{upserts}[broker]\nretention_records = 5");
    refused("projected", &shortened, "or the retention out");
    refused("projected", &format!("{upserts}[broker]\ncompaction = true"), "\"durable-log\" too");
    let shares = "[database]\n[consumer]\napply = \"database\"\n";
    refused("convergent", &format!("{shares}groups = 2"), "consumer.groups = 1");
    let text = LEAST.replace("exactly-once", "convergent") + shares + "members = 2";
    Scenario::from_toml("it.toml", &text).expect("the members share one table");
}

#[test]
fn who_starts_over_reads_again_and_who_is_not_answered_knows_nothing() {
    let refused = |promise: &str, more: &str, line: usize, cure: &str| {
        let text = LEAST.replace("exactly-once", promise) + more;
        let error = Scenario::from_toml("it.toml", &text).expect_err("it is impossible");
        assert!(error.to_string().contains(cure), "{error}");
        assert_eq!(text.lines().nth(error.line().unwrap() - 1), text.lines().nth(line - 1));
    };
    let lines = LEAST.lines().count();
    let starts_over = "[consumer]\nresume = \"earliest\"";
    let rebuilds = "[consumer]\nrebuild = \"from-start\"\napply = \"upsert\"\ndedup = \"none\"";
    for promise in ["per-key-order", "durable-log"] {
        refused(promise, starts_over, lines + 2, "write \"committed\"");
        refused(promise, rebuilds, lines + 2, "write \"never\"");
    }
    let inbox = "[consumer]\nrebuild = \"from-start\"\napply = \"upsert\"\ndedup = \"inbox\"";
    refused("at-least-once", inbox, lines + 2, "consumer.dedup = \"none\"");
    let rows = "[consumer]\nrebuild = \"from-committed\"\ndedup = \"none\"";
    refused("at-least-once", rows, lines + 2, "consumer.apply = \"upsert\"");
    let unanswered = "[consumer]\napply = \"upsert\"\n[producer]\nacks = \"none\"";
    refused("projected", unanswered, lines + 4, "leave \"projected\" out");
}

#[test]
fn one_line_changed_replaces_the_whole_value() {
    let text = format!("{LEAST}[consumer]\ninbox_expiry = {{ entries = 9 }}");
    let key = "consumer.inbox_expiry";
    let changed = |value| Scenario::from_toml_changed("it.toml", &text, key, value);
    let scenario = changed("{ clock = \"2s\" }").unwrap();
    assert_eq!(scenario.consumer.inbox_expiry, InboxExpiry::Clock(Span::secs(2)));
    assert_eq!(scenario.workload.messages.get(), 2);
    let error = changed("{ clock = \"2s\", entries = 9 }").unwrap_err().to_string();
    assert!(error.starts_with("it.toml"), "{error}");
}

#[test]
fn nothing_promised_is_nothing_tested() {
    let text = LEAST.replace("[\"exactly-once\"]", "[]");
    let error = Scenario::from_toml("it.toml", &text).expect_err("it promises nothing");
    assert_eq!(error.line(), Some(2), "{error}");
}

#[test]
fn code_cannot_make_a_scenario_impossible_either() {
    let mut scenario = Scenario::from_toml("it.toml", LEAST).unwrap();
    scenario.consumer.wait_max = Span::secs(9);
    let error = scenario.system().expect_err("the wait is too long").to_string();
    assert!(error.starts_with("least: consumer.wait_max: "), "{error}");
}

#[test]
fn the_catalogue_is_possible_and_tells_what_it_is_about() {
    for entry in catalogue() {
        let scenario = entry.scenario().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(scenario.name, entry.name);
        assert!((20..90).contains(&scenario.about.len()), "{}", scenario.about);
        scenario.system().unwrap_or_else(|error| panic!("{error}"));
    }
    let error = Scenario::named("w2").unwrap_err().to_string();
    assert!(error.contains("exactly-once-pipe, at-least-once-pipe, "), "{error}");
}

#[test]
fn knobs_have_the_stated_value_first() {
    let pipe = Scenario::named("exactly-once-pipe").unwrap().system().unwrap();
    let told: Vec<String> =
        pipe.knobs().iter().map(|knob| format!("{} {:?}", knob.name, knob.values)).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    producer.in_flight [5, 1, 2]
    producer.timeout [50000000, 15000000, 200000000]
    producer.deadline [120000000000, 300000000]
    consumer.batch [10, 1, 3]
    consumer.wait_max [100000000, 10000000]
    ");
    assert!(Scenario::named("w1").unwrap().system().unwrap().knobs().is_empty());
}

#[test]
fn w1_is_the_benchmark() {
    let pipe = Scenario::named("w1").unwrap().system().unwrap();
    let names: Vec<_> = pipe.machines().iter().map(|machine| machine.name.as_str()).collect();
    insta::assert_snapshot!(
        names.join(" "),
        @"broker producer-1 producer-2 producer-3 consumer-1 consumer-2"
    );
    let mut plan = Vec::new();
    pipe.plan(&[], &mut plan);
    assert_eq!((plan.len(), plan[20].node, plan[59].at), (60, NodeId(2), Span::ZERO));
    let profile = pipe.profile();
    assert_eq!(profile.transport, Transport::Datagram);
    assert_eq!((profile.link.latency, profile.link.jitter), (Span::millis(1), Span::millis(9)));
    assert_eq!((profile.swarm, profile.drain), (Swarm::Off, Span::ZERO));
    let classes: Vec<_> = profile.envelope.classes().collect();
    assert_eq!(classes, [FaultClass::Loss, FaultClass::Duplicate]);
}

#[test]
fn a_program_is_supplied_by_code_or_the_scenario_refused() {
    let text =
        format!("{LEAST}[[program]]\nname = \"mine\"\nmachine = \"my-machine\"\nmessages = 3");
    let scenario = || Scenario::from_toml("it.toml", &text).unwrap();
    let error = scenario().system().unwrap_err().to_string();
    assert!(error.contains("\"mine\" is not attached"), "{error}");
    let error = scenario().attach("yours", |_, _| unreachable!()).unwrap_err().to_string();
    assert!(error.contains("the scenario names mine"), "{error}");

    let boots = Scenario::attach(scenario(), "mine", |seat, disk| {
        let policy = crate::model::broker::Policy::new(1, seat.id.0);
        Box::new(crate::model::Broker::boot(policy, disk))
    });
    let pipe = boots.unwrap().system().unwrap();
    let (last, mut plan) = (NodeId(3), Vec::new());
    assert_eq!(pipe.machines()[last.index()].name, "my-machine");
    pipe.plan(&[], &mut plan);
    assert_eq!(plan.iter().filter(|planned| planned.node == last).count(), 3);
    let seat = Seat { id: last, incarnation: 0, plan: &plan, knobs: &[] };
    let node = pipe.boot(&seat, Journals::new(&[]));
    assert!(matches!(node, crate::model::Machine::Custom(_)));
}

#[test]
fn a_queue_broker_is_refused_what_it_cannot_do() {
    let queue = |keys: &str| format!("[producer]\nidentity = \"none\"\n[queue]\n{keys}");
    let after = |keys: &str, line: usize, cure: &str| check(&queue(keys), line, cure);
    check("[queue]\n[producer]\nidentity = \"idempotent\"", 8, "write \"none\"");
    check("[queue]\n[broker]\npartitions = 2", 7, "leave out the section");
    check("[queue]\n[service]", 7, "leave out the section");
    after("fsync = \"interval\"", 8, "state both or neither");
    after("fsync_interval = \"9ms\"", 9, "state both or neither");
    after("fsync = \"never\"", 9, "confirm = \"at-once\"");
    let datagrams = "\n[network]\ntransport = \"datagram\"";
    after(&format!("hold = \"until-disconnect\"{datagrams}"), 9, "transport = \"stream\"");
    let pushed = format!("{datagrams}\n[worker]\nintake = \"push\"");
    after(&pushed, 13, "write \"pull\"");
    after(&format!("preset = \"rabbitmq-classic\"{datagrams}"), 8, "transport = \"stream\"");
    after("lease = \"9ms\"\nhold = \"until-claimed\"", 9, "hold = \"lease\"");
    after("delivery_limit = 3\ncount = \"flag\"", 9, "count = \"durable\"");
    after("dedup_kept = \"none\"", 9, "state queue.dedup_window");
    after("overflow = \"drop-head\"", 9, "state queue.length_max");
    after("alarm = \"blocks-connection\"", 9, "overflow = \"backpressure\"");
    after("persistence = \"transient\"\ncursor = \"memory\"", 10, "persistence = \"durable\"");
}

#[test]
fn a_preset_says_what_the_other_keys_are_unless_they_are_stated() {
    use crate::model::queue::{AckMatch, Hold, QueuePolicy};
    let policy = |keys: &str| -> QueuePolicy {
        let text = format!("{LEAST}[producer]\nidentity = \"none\"\n[queue]\n{keys}");
        let scenario = Scenario::from_toml("it.toml", &text).unwrap();
        policies::queue(&scenario, &scenario.queue.unwrap())
    };
    let strict = QueuePolicy::new(1, SinkId(2));
    assert_eq!(policy(""), strict);
    let classic = crate::model::queue::Preset::RabbitmqClassic.policy(strict);
    assert_eq!(policy("preset = \"rabbitmq-classic\""), classic);
    let stated = policy("preset = \"sqs-fifo\"\nack = \"strict\"\nlease = \"9ms\"");
    assert_eq!((stated.ack, stated.lease), (AckMatch::Strict, Span::millis(9)));
    assert_eq!(stated.dedup, Some(Span::secs(300)));
    let stream = policy("preset = \"redis-streams\"\n[worker]\nintake = \"pull\"");
    assert_eq!(stream.hold, Hold::UntilClaimed);
    let stated = policy(
        "unbound_key = 7\ndelivery_limit = 3\npriorities = 4\nlength_max = 5\nttl = \"6ms\"
        fsync = \"interval\"\nfsync_interval = \"8ms\"",
    );
    assert_eq!((stated.unbound, stated.delivery_limit), (Some(7), Some(3)));
    assert_eq!((stated.priorities, stated.length_max), (Some(4), Some(5)));
    assert_eq!(stated.ttl, Some(Span::millis(6)));
    assert_eq!(stated.fsync, crate::model::Fsync::Interval(Span::millis(8)));
}
