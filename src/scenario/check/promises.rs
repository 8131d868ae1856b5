//! What a scenario can promise at all.

use super::Problem;
use crate::model::consumer::{Apply, Rebuild, Resume};
use crate::model::message::Acks;
use crate::scenario::sections::Until;
use crate::scenario::{PromiseName, Scenario};
pub(super) fn promises(scenario: &Scenario) -> Result<(), Problem> {
    if scenario.promises.is_empty() {
        return Err(Problem::new(
            "promises",
            "nothing is promised, so nothing can be broken",
            "promise something, for instance [\"exactly-once\"]",
        ));
    }
    let promised = |name| scenario.promises.contains(&name);
    let several = scenario.consumer.members.get() > 1;
    let is_shared = matches!(scenario.consumer.apply, Apply::Database | Apply::External);
    for (name, slug) in
        [(PromiseName::Convergent, "convergent"), (PromiseName::Projected, "projected")]
    {
        if several && !is_shared && promised(name) {
            return Err(Problem::new(
                "promises",
                "no member of a group of several holds the whole table",
                format!("promise {slug:?} only with consumer.members = 1"),
            ));
        }
    }
    if is_shared && scenario.consumer.groups.get() > 1 && promised(PromiseName::Convergent) {
        return Err(Problem::new(
            "promises",
            "the database holds the tables of all groups in one",
            "promise \"convergent\" only with consumer.groups = 1",
        ));
    }
    if scenario.consumer.apply != Apply::Upsert && promised(PromiseName::Projected) {
        return Err(Problem::new(
            "promises",
            "a table with a row a message is no projection",
            "promise \"projected\" only with consumer.apply = \"upsert\"",
        ));
    }
    for (name, slug) in
        [(PromiseName::PerKeyOrder, "per-key-order"), (PromiseName::DurableLog, "durable-log")]
    {
        for (key, starts_over, cure) in [
            ("consumer.resume", scenario.consumer.resume == Resume::Earliest, "committed"),
            ("consumer.rebuild", scenario.consumer.rebuild == Rebuild::FromStart, "never"),
        ] {
            if starts_over && promised(name) {
                let why = "who starts over with every restart reads again, in breach of";
                let cure = format!("write {cure:?}");
                return Err(Problem::new(key, format!("{why} {slug:?}"), cure));
            }
        }
    }
    if promised(PromiseName::Projected) {
        projected(scenario)?;
    }
    if several && scenario.consumer.until == Until::Complete {
        return Err(Problem::new(
            "consumer.until",
            "no member of a group of several applies every message",
            "leave it out, or set consumer.members = 1",
        ));
    }
    Ok(())
}

fn projected(scenario: &Scenario) -> Result<(), Problem> {
    let deletes =
        scenario.broker.retention.is_some() || scenario.broker.retention_records.is_some();
    if deletes {
        return Err(Problem::new(
            "promises",
            "a log that deletes by age or number may delete the newest update of a key unread",
            "leave \"projected\" or the retention out",
        ));
    }
    let compacts =
        scenario.broker.compaction && !scenario.promises.contains(&PromiseName::DurableLog);
    if compacts {
        return Err(Problem::new(
            "promises",
            "without \"durable-log\" nobody knows that this log compacts, and who has not read an \
             update that is gone seems to be behind for ever",
            "promise \"durable-log\" too",
        ));
    }
    if scenario.producer.acks == Acks::None {
        return Err(Problem::new(
            "producer.acks",
            "what is taken for done without an answer may stand nowhere, and no table can hold it",
            "write \"all\", or leave \"projected\" out",
        ));
    }
    Ok(())
}
