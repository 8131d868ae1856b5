//! Which values of the consumers go together.

use crate::model::consumer::{Apply, CommitPolicy, Dedup, InboxExpiry, OnFailure, Rebuild, Settle};
use crate::scenario::problem::Problem;
use crate::scenario::{PromiseName, Scenario, Until};
use crate::time::Span;

/// The first pair of values of the consumers that do not go together.
pub(super) fn consumers(scenario: &Scenario) -> Result<(), Problem> {
    dedup(scenario)?;
    remote(scenario)?;
    commit(scenario)?;
    rebuilding(scenario)?;
    // The consumers of a queue go by other rules when a handling has failed.
    if scenario.queue.is_some() { Ok(()) } else { handling(scenario) }
}

fn dedup(scenario: &Scenario) -> Result<(), Problem> {
    let consumer = &scenario.consumer;
    if consumer.inbox_expiry != InboxExpiry::Never && !consumer.dedup.asks_inbox() {
        return Err(Problem::new(
            "consumer.inbox_expiry",
            "without an inbox there are no rows to expire",
            "leave it out, or keep dedup = \"inbox\"",
        ));
    }
    if consumer.guard.is_some() && consumer.apply != Apply::Upsert {
        return Err(Problem::new(
            "consumer.guard",
            "a row that is inserted replaces none",
            "leave it out, or set apply = \"upsert\"",
        ));
    }
    Ok(())
}

fn remote(scenario: &Scenario) -> Result<(), Problem> {
    let consumer = &scenario.consumer;
    let is_external = consumer.apply == Apply::External;
    if consumer.idempotency_key.is_some() && !is_external {
        return Err(Problem::new(
            "consumer.idempotency_key",
            "nothing is called",
            "leave it out, or set apply = \"external\"",
        ));
    }
    let (section, present) = match consumer.apply {
        Apply::Insert | Apply::Upsert => return Ok(()),
        Apply::Database => ("[database]", scenario.database.is_some()),
        Apply::External => ("[external]", scenario.external.is_some()),
    };
    if !present {
        return Err(Problem::new(
            "consumer.apply",
            "there is no such machine",
            format!("add the section {section}"),
        ));
    }
    if consumer.until == Until::Complete {
        return Err(Problem::new(
            "consumer.until",
            "who keeps no table of effects does not know how many there are",
            "leave it out",
        ));
    }
    if !is_external && consumer.inbox_expiry != InboxExpiry::Never {
        return Err(Problem::new(
            "consumer.inbox_expiry",
            "the rows of an inbox on another machine do not expire",
            "leave it out",
        ));
    }
    let same = Some("consumer.settle").filter(|_| consumer.settle == Settle::Atomic);
    let same = same.or(Some("consumer.dedup").filter(|_| consumer.dedup.joins_effect()));
    if let Some(key) = same.filter(|_| is_external) {
        return Err(Problem::new(
            key,
            "an external system takes part in no commit of the consumer's",
            "write settle = \"after\" and dedup = \"none\", \"memory\" or \"inbox-after-effect\"",
        ));
    }
    if is_external && consumer.groups.get() > 1 {
        return Err(Problem::new(
            "consumer.groups",
            "the external system would act for each group, at one sink",
            "set consumer.groups = 1",
        ));
    }
    Ok(())
}

fn commit(scenario: &Scenario) -> Result<(), Problem> {
    let consumer = &scenario.consumer;
    let never_ahead = scenario.promises.contains(&PromiseName::NeverCommitsAhead);
    if consumer.settle == Settle::Atomic && never_ahead {
        return Err(Problem::new(
            "promises",
            "with settle = \"atomic\" offset and effect are one commit: neither is ahead",
            "leave \"never-commits-ahead\" out, which judges commits when they begin",
        ));
    }
    let Some(CommitPolicy::Every(interval) | CommitPolicy::Background(interval)) = consumer.commit
    else {
        return Ok(());
    };
    if interval == Span::ZERO {
        return Err(Problem::new(
            "consumer.commit",
            "no time at all is no interval",
            "write a length such as \"100ms\"",
        ));
    }
    if consumer.settle != Settle::After {
        return Err(Problem::new(
            "consumer.commit",
            "commits from time to time come neither before the effects nor with them",
            "write \"answered\", or keep settle = \"after\"",
        ));
    }
    Ok(())
}

fn rebuilding(scenario: &Scenario) -> Result<(), Problem> {
    let Scenario { consumer, .. } = scenario;
    if consumer.rebuild == Rebuild::Never {
        return Ok(());
    }
    if consumer.apply != Apply::Upsert {
        return Err(Problem::new(
            "consumer.rebuild",
            "only a projection can be made anew from the log",
            "leave it out, or set consumer.apply = \"upsert\"",
        ));
    }
    if consumer.dedup != Dedup::None {
        return Err(Problem::new(
            "consumer.rebuild",
            "an inbox would know every update that is read again, and keep it from the projection",
            "leave it out, or set consumer.dedup = \"none\"",
        ));
    }
    Ok(())
}

fn handling(scenario: &Scenario) -> Result<(), Problem> {
    let Scenario { consumer, workload, .. } = scenario;
    let can_fail = !consumer.failing.is_never()
        || workload.poison.is_some()
        || consumer.apply == Apply::External;
    let gives_up = matches!(consumer.on_failure, Some(OnFailure::Skip | OnFailure::Park));
    let stated = [
        ("consumer.on_failure", consumer.on_failure.is_some()),
        ("consumer.retry_backoff", consumer.retry_backoff.is_some()),
        ("consumer.retries", consumer.retries.is_some()),
    ];
    let stated = stated.into_iter().find(|&(_, is_stated)| is_stated);
    if let Some((key, _)) = stated.filter(|_| !can_fail) {
        return Err(Problem::new(
            key,
            "no handling ever fails",
            "leave it out, or state consumer.failing or workload.poison",
        ));
    }
    if consumer.retries.is_some() && !gives_up {
        return Err(Problem::new(
            "consumer.retries",
            "what is tried again until it succeeds has no number of retries",
            "leave it out, or set on_failure to \"skip\" or \"park\"",
        ));
    }
    Ok(())
}
