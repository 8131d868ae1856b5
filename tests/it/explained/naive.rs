//! Causal pasts, worked out a second time from what the JSON of a failure says happened.
//!
//! What led to what follows from the order at each machine, the ways of messages, and the words for
//! timers, syncs, connections and faults; the `causes` of an event are looked at only where these
//! leave several open. What happened before what is then a matrix that is closed as Warshall closes
//! one (JACM 1962).

use postulate::report::Explained;
use std::collections::{BTreeMap, BTreeSet};

/// What led to what.
pub struct Naive<'a> {
    run: &'a Explained,
    /// Of each event what led to it directly, as far as that is known.
    pub led: Vec<BTreeSet<usize>>,
    /// Of how many syncs and notices the facts allow for one cause only.
    pub clear: usize,
    /// Of how many they allow for several, so that the causes told were asked which it is.
    pub asked: usize,
}

/// The kinds of events that a process lives through.
const LIVED: [&str; 10] =
    ["boot", "message", "timer", "sync", "notice", "input", "crash", "power-cut", "exit", "resume"];

const DEATHS: [&str; 3] = ["crash", "power-cut", "exit"];

/// The kinds of events that befall a process from outside.
const BEFALL: [&str; 3] = ["fault", "pause", "lift"];

impl<'a> Naive<'a> {
    pub fn of(run: &'a Explained) -> Self {
        let mut naive =
            Self { run, led: vec![BTreeSet::new(); run.events.len()], clear: 0, asked: 0 };
        naive.lives();
        naive.messages();
        naive.timers();
        naive.syncs();
        naive.notices();
        naive.faults();
        naive.lifts();
        naive.heal();
        naive
    }

    /// The given events and all that happened before any of them.
    pub fn past(&self, anchors: &[usize]) -> Vec<usize> {
        let before = closure(&self.led);
        let happened =
            |event: &usize| anchors.iter().any(|&it| it == *event || before[it].has(*event));
        (0..self.led.len()).filter(happened).collect()
    }

    fn is(&self, event: usize, kinds: &[&str]) -> bool {
        kinds.contains(&self.run.events[event].kind.as_str())
    }

    fn at(&self, event: usize, machine: usize) -> bool {
        self.run.events[event].machine == Some(machine)
    }

    /// The events at a machine before `event` that its process lived through, newest first.
    fn lived_before(&self, event: usize, machine: usize) -> impl Iterator<Item = usize> {
        (0..event).rev().filter(move |&it| self.at(it, machine) && self.is(it, &LIVED))
    }

    /// A process remembers; what befell it since shows in what it does next.
    fn lives(&mut self) {
        for event in 0..self.run.events.len() {
            let Some(machine) = self.run.events[event].machine else { continue };
            if !self.is(event, &LIVED) {
                continue;
            }
            let before = self.lived_before(event, machine).next();
            let befell = (before.map_or(0, |it| it + 1)..event)
                .filter(|&it| self.at(it, machine) && self.is(it, &BEFALL));
            let led: Vec<usize> = befell.chain(before).collect();
            self.led[event].extend(led);
        }
    }

    fn messages(&mut self) {
        for message in &self.run.messages {
            let Some(ended) = message.ended else { continue };
            self.led[ended].insert(message.sent);
            let link = (message.from, message.to);
            let faults: Vec<usize> = match message.fate.as_str() {
                // What is held or slowed down comes when it does because of that.
                "delivered" if message.late_ns > 0 => {
                    let held = self.over(&["hold", "grey"], link, message.sent);
                    held.collect()
                }
                // A cut swallows all; a grey link only some, which the draw of each message tells.
                "lost" => self.over(&["cut"], link, ended).collect(),
                "dead" => self.lived_before(ended, message.to).take(1).collect(),
                _ => Vec::new(),
            };
            self.led[ended].extend(faults);
        }
    }

    /// The beginnings of the faults of these kinds that lay over a link at `event`.
    fn over(
        &self,
        kinds: &[&str],
        link: (usize, usize),
        event: usize,
    ) -> impl Iterator<Item = usize> {
        let bands = self.run.bands.iter().filter(move |band| kinds.contains(&band.kind.as_str()));
        let lie = bands.filter(move |band| {
            let lasts = band.from <= event && band.to.is_none_or(|to| to > event);
            lasts && band.links.contains(&link)
        });
        lie.map(|band| band.from)
    }

    /// A timer fires because it was set, the last time that it was.
    fn timers(&mut self) {
        for event in 0..self.run.events.len() {
            let Some(machine) = self.run.events[event].machine else { continue };
            let Some(timer) = self.run.events[event].text.strip_suffix(" fires") else { continue };
            let sets = format!("sets {timer} for ");
            let set = self.lived_before(event, machine).find(|&it| self.does(it, &sets));
            self.led[event].insert(set.expect("it was set"));
        }
    }

    fn does(&self, event: usize, deed: &str) -> bool {
        self.run.events[event].does.iter().any(|it| it.starts_with(deed))
    }

    /// A sync ends that was asked for and has not ended yet: if it is the only one, that is clear.
    fn syncs(&mut self) {
        let mut under_way: BTreeMap<(usize, u32, String), Vec<usize>> = BTreeMap::new();
        for event in 0..self.run.events.len() {
            let it = &self.run.events[event];
            let Some(machine) = it.machine else { continue };
            if let Some(file) = synced(&it.text) {
                let asked = under_way.entry((machine, it.incarnation, file.to_owned()));
                let asked = asked.or_default();
                let led = self.choose(event, &asked.iter().copied().collect());
                let place = asked.iter().position(|&it| it == led).unwrap();
                asked.remove(place);
                self.led[event].insert(led);
            }
            let asks = it.does.iter().filter_map(|deed| deed.strip_prefix("asks for a sync of "));
            for file in asks {
                let asked = under_way.entry((machine, it.incarnation, file.to_owned()));
                asked.or_default().push(event);
            }
        }
    }

    /// Which of some events led to `event`. It is asked for its causes only if there are several.
    fn choose(&mut self, event: usize, among: &BTreeSet<usize>) -> usize {
        let it = &self.run.events[event];
        let chosen = if among.len() == 1 {
            self.clear += 1;
            among.first().copied()
        } else {
            self.asked += 1;
            let told: Vec<usize> =
                among.iter().copied().filter(|it| self.causes(event, *it)).collect();
            let is_new = |it: &&usize| !self.led[event].contains(*it);
            told.iter().find(is_new).or(told.last()).copied()
        };
        chosen.unwrap_or_else(|| panic!("{event}: {}: led to by none of {among:?}", it.text))
    }

    fn causes(&self, event: usize, cause: usize) -> bool {
        self.run.events[event].causes.contains(&cause)
    }

    /// A machine learns that a connection is gone because of something that ended it since the
    /// machine was last down: with a process go all its connections.
    fn notices(&mut self) {
        for event in 0..self.run.events.len() {
            let it = &self.run.events[event];
            let Some(machine) = it.machine else { continue };
            let rest = it.text.strip_prefix("learns that its connection with ");
            let Some(peer) = rest.and_then(|rest| rest.strip_suffix(" is gone")) else { continue };
            let peer = self.run.machines.iter().position(|it| it.name == peer).unwrap();
            let died = self.lived_before(event, machine).find(|&it| self.is(it, &DEATHS));
            let ended =
                (died.map_or(0, |died| died + 1)..event).filter(|&it| self.ends(it, machine, peer));
            let ended = self.choose(event, &ended.collect());
            self.led[event].insert(ended);
        }
    }

    /// Whether a connection of `machine` with `peer` can have ended by an event.
    fn ends(&self, event: usize, machine: usize, peer: usize) -> bool {
        let it = &self.run.events[event];
        let message = it.message.map(|message| &self.run.messages[message]);
        let link = message.map(|message| (message.from, message.to));
        let closes = format!("closes its connections with {}", self.run.machines[machine].name);
        match it.kind.as_str() {
            "crash" | "power-cut" | "exit" => it.machine == Some(peer),
            "drop" => {
                let is_theirs = link == Some((machine, peer)) || link == Some((peer, machine));
                is_theirs && it.text.ends_with("the connection breaks")
            }
            // Nobody is there to take it.
            "dead" => link == Some((machine, peer)) && it.text.ends_with(" comes to nobody"),
            "fault" => {
                let of =
                    |id: usize| format!("the connections of {} break", self.run.machines[id].name);
                it.text == of(machine) || it.text == of(peer)
            }
            _ => it.machine == Some(peer) && self.does(event, &closes),
        }
    }

    /// A fault that waits for something strikes after what the machine did then.
    fn faults(&mut self) {
        for step in &self.run.steps {
            let Some(rest) = step.text.strip_prefix("after ") else { continue };
            let strike = step.events.iter().find(|&&it| self.is(it, &["fault", "pause"]));
            let Some(&strike) = strike else { continue };
            let named = |name: &str| rest.starts_with(&format!("{name} "));
            let upon = self.run.machines.iter().find(|machine| named(&machine.name));
            let counted = || {
                let (_, of) = rest.split_once(" of ")?;
                self.run.machines.iter().find(|it| of.starts_with(&format!("{}: ", it.name)))
            };
            let machine = upon.or_else(counted).expect("it waits for a machine").id;
            let after = self.lived_before(strike, machine).next().expect("it has waited for that");
            // It strikes at once. The notice of a connection that is gone for long is told nobody,
            // and is no event.
            if self.run.events[after].at_ns == self.run.events[strike].at_ns {
                self.led[strike].insert(after);
            }
        }
    }

    /// A fault is over that has begun.
    fn lifts(&mut self) {
        for band in &self.run.bands {
            if let Some(to) = band.to.filter(|&to| self.is(to, &["lift"])) {
                self.led[to].insert(band.from);
            }
        }
    }

    /// Once every fault is over, machines that are down start and those that are paused go on.
    fn heal(&mut self) {
        let Some(heal) = self.run.events.iter().position(|it| it.kind == "heal") else { return };
        for event in heal + 1..self.run.events.len() {
            let is_then = self.run.events[event].at_ns == self.run.events[heal].at_ns;
            if is_then && self.is(event, &["boot", "resume"]) {
                self.led[event].insert(heal);
            }
        }
    }
}

/// The file whose sync ends, well or not.
fn synced(text: &str) -> Option<&str> {
    let failed = || text.strip_prefix("sync of ")?.split(" fails: ").next();
    text.strip_suffix(" is synced").or_else(failed)
}

/// A row of a matrix of bits.
#[derive(Clone)]
struct Row(Vec<u64>);

impl Row {
    fn has(&self, column: usize) -> bool {
        self.0[column / 64] >> (column % 64) & 1 == 1
    }
}

/// Of each event all that happened before it.
fn closure(led: &[BTreeSet<usize>]) -> Vec<Row> {
    let mut rows = vec![Row(vec![0; led.len().div_ceil(64)]); led.len()];
    for (row, led) in rows.iter_mut().zip(led) {
        for column in led {
            row.0[column / 64] |= 1 << (column % 64);
        }
    }
    for through in 0..rows.len() {
        let via = rows[through].clone();
        for row in &mut rows {
            if row.has(through) {
                row.0.iter_mut().zip(&via.0).for_each(|(word, more)| *word |= more);
            }
        }
    }
    rows
}
