//! Any schedule at all, whether it makes sense or not.

use postulate::choice::{Actor, Choice, Key, Site};
use postulate::id::{FileId, MessageId, NodeId, TimerId};
use postulate::schedule::{
    Baseline, Deed, Fault, Input, Occasion, Part, Schedule, Strategy as Order, Trigger, Trouble,
};
use postulate::seed::{Ratio, Seed};
use postulate::time::{Instant, Span};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Mostly machines that are there.
fn nodes() -> impl Strategy<Value = NodeId> + Clone {
    prop_oneof![9 => 0..5_u16, 1 => 0..4_096_u16].prop_map(NodeId)
}

fn spans() -> impl Strategy<Value = Span> + Clone {
    prop_oneof![9 => 0..500_000_000_u64, 1 => any::<u64>()].prop_map(Span::nanos_of)
}

fn instants() -> impl Strategy<Value = Instant> {
    spans().prop_map(|span| Instant::START + span)
}

fn ratios() -> impl Strategy<Value = Ratio> {
    (1..99_u32).prop_flat_map(|whole| (0..=whole, Just(whole))).prop_map(|(part, whole)| {
        Ratio::new(part, whole).expect("a part is no more than its whole")
    })
}

fn decisions() -> impl Strategy<Value = (Key, Choice)> {
    let node = || (nodes(), 0..3_u16).prop_map(|(node, life)| Actor::Node(node, life));
    let link = || (nodes(), nodes()).prop_map(|(from, to)| Actor::Link(from, to));
    let lates = || spans().prop_map(Choice::Late);
    let fates = prop_oneof![
        Just(Choice::Lost),
        lates(),
        (spans(), spans()).prop_map(|(late, again)| Choice::Twice { late, again }),
        (any::<u64>(), spans()).prop_map(|(bit, late)| Choice::Corrupted { bit, late }),
    ];
    let syncs =
        prop_oneof![lates(), spans().prop_map(Choice::Failed), spans().prop_map(Choice::Lied),];
    let appends = prop_oneof![Just(Choice::Missed), any::<u32>().prop_map(Choice::Misdirected)];
    let suited = prop_oneof![
        (Just(Site::Message), link(), fates),
        (Just(Site::Break), link(), spans().prop_map(Choice::OnlyWithin)),
        (Just(Site::Notice), link(), lates()),
        (Just(Site::Timer), node(), lates()),
        (Just(Site::Sync), node(), syncs),
        (Just(Site::Append), node(), appends),
        (Just(Site::PowerCut), node(), any::<u32>().prop_map(Choice::Undone)),
        (Just(Site::Tear), node(), Just(Choice::Torn)),
        (Just(Site::CrashPoint), node(), any::<u32>().prop_map(Choice::AfterAction)),
        (Just(Site::Node), node(), any::<u64>().prop_map(Choice::Value)),
        (Just(Site::Knob), Just(Actor::Run), (0..3_u64).prop_map(Choice::Value)),
        (Just(Site::Drift), node(), (-99_999..=100_001_i64).prop_map(Choice::Skew)),
        (Just(Site::Offset), node(), any::<i64>().prop_map(Choice::Skew)),
    ];
    let unsuited = (Just(Site::Break), node(), lates());
    (prop_oneof![30 => suited, 1 => unsuited], 0..12_u8, 0..6_u32)
        .prop_map(|((site, actor, choice), kind, nth)| (Key::new(site, actor, kind, nth), choice))
}

fn triggers() -> impl Strategy<Value = Trigger> {
    let occasions = prop_oneof![
        (nodes(), 0..12_u8).prop_map(|(from, kind)| Occasion::Message { from, kind }),
        any::<u8>().prop_map(|timer| Occasion::Timer(TimerId(timer))),
        any::<u8>().prop_map(|file| Occasion::Sync(FileId(file))),
        nodes().prop_map(Occasion::Notice),
        any::<u32>().prop_map(Occasion::Input),
    ];
    let deeds = prop_oneof![
        (nodes(), 0..12_u8).prop_map(|(to, kind)| Deed::Send { to, kind }),
        (0..4_u8).prop_map(|file| Deed::Append(FileId(file))),
        (0..4_u8).prop_map(|file| Deed::Truncate(FileId(file))),
        (0..4_u8).prop_map(|file| Deed::Discard(FileId(file))),
        (0..4_u8).prop_map(|file| Deed::Sync(FileId(file))),
        nodes().prop_map(Deed::Disconnect),
    ];
    prop_oneof![
        (nodes(), deeds, 0..9_u32).prop_map(|(node, what, nth)| Trigger::Done { node, what, nth }),
        instants().prop_map(Trigger::At),
        (nodes(), 0..99_u32).prop_map(|(node, events)| Trigger::After { node, events }),
        (nodes(), occasions, 0..9_u32).prop_map(|(node, what, nth)| Trigger::Upon {
            node,
            what,
            nth
        }),
    ]
}

fn troubles() -> impl Strategy<Value = Trouble> {
    let sides = || vec(nodes(), 0..4);
    prop_oneof![
        (nodes(), spans()).prop_map(|(node, down)| Trouble::Crash { node, down }),
        (nodes(), spans()).prop_map(|(node, down)| Trouble::PowerCut { node, down }),
        (nodes(), spans()).prop_map(|(node, lasting)| Trouble::Pause { node, lasting }),
        nodes().prop_map(|node| Trouble::Disconnect { node }),
        (sides(), sides(), spans()).prop_map(|(from, to, lasting)| Trouble::Cut {
            from,
            to,
            lasting
        }),
        (nodes(), nodes(), spans()).prop_map(|(from, to, lasting)| Trouble::Hold {
            from,
            to,
            lasting
        }),
        (nodes(), nodes(), spans(), ratios(), ratios(), spans()).prop_map(
            |(from, to, slower, loss, duplicate, lasting)| Trouble::Grey {
                from,
                to,
                slower,
                loss,
                duplicate,
                lasting
            }
        ),
        (nodes(), any::<i64>()).prop_map(|(node, by)| Trouble::ClockStep { node, by }),
        (nodes(), spans()).prop_map(|(node, lasting)| Trouble::FullDisk { node, lasting }),
        (nodes(), any::<u8>(), any::<u32>()).prop_map(|(node, file, back)| Trouble::BitRot {
            node,
            file: FileId(file),
            back
        }),
    ]
}

fn parts() -> impl Strategy<Value = Part> {
    prop_oneof![
        nodes().prop_map(Part::Machine),
        nodes().prop_map(Part::Client),
        any::<u64>().prop_map(|word| Part::Operation(MessageId::from_word(word))),
    ]
}

fn inputs() -> impl Strategy<Value = Input> {
    (instants(), nodes(), any::<u32>(), vec(any::<u8>(), 0..9))
        .prop_map(|(at, node, connection, bytes)| Input { at, node, connection, bytes })
}

/// Any schedule.
pub fn schedules() -> impl Strategy<Value = Schedule> {
    let baselines = prop_oneof![Just(Baseline::Quiet), Just(Baseline::Seeded)];
    let orders = prop::sample::select(Order::ALL.to_vec());
    let faults = (triggers(), troubles()).prop_map(|(when, what)| Fault { when, what });
    let decisions = vec(decisions(), 0..6).prop_map(|list| list.into_iter().collect());
    let steps = (vec(faults, 0..4), decisions);
    let limits = (
        option::of(instants()),
        option::of(spans()),
        option::of(spans()),
        option::of(any::<u64>()),
        option::of(spans()),
    );
    let rest = (vec(parts(), 0..3), vec(inputs(), 0..2));
    (any::<u64>(), baselines, orders, steps, limits, rest).prop_map(
        |(seed, baseline, strategy, (faults, decisions), limits, (omit, inputs))| {
            let (heal_at, patience, drain, events_max, time_max) = limits;
            Schedule {
                seed: Seed(seed),
                baseline,
                strategy,
                faults,
                decisions,
                heal_at,
                patience,
                drain,
                events_max,
                time_max,
                omit,
                inputs,
            }
        },
    )
}
