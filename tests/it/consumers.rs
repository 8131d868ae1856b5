//! Consumers by every policy: the right ones keep their promises under faults, and of the naive
//! ones the rule is named that they break.

use postulate::check::Rule;
use postulate::harness::Harness;
use postulate::model::consumer::{
    Apply, CommitPolicy, Dedup, Guard, InboxExpiry, OnFailure, Rebuild, Settle,
};
use postulate::model::external::KeyPolicy;
use postulate::model::producer::Partitioner;
use postulate::model::store::Isolation;
use postulate::scenario::{Bounded, DatabaseSection, PromiseName, Scenario, ScenarioError};
use postulate::time::Span;

type Change = fn(&mut Scenario);

/// A scenario of the catalogue with `change` made to it holds, or breaks `rule` before any other.
#[track_caller]
fn check(name: &str, rule: Option<Rule>, change: Change) -> Result<(), ScenarioError> {
    let mut scenario = Scenario::named(name)?;
    change(&mut scenario);
    let harness = Harness::new(scenario.subject()?);
    match rule {
        None => _ = harness.schedules(300).run(),
        Some(rule) => _ = harness.schedules(1_000).expect_violation(rule).run(),
    }
    Ok(())
}

#[track_caller]
fn holds(name: &str, change: Change) -> Result<(), ScenarioError> {
    check(name, None, change)
}

#[track_caller]
fn breaks(name: &str, rule: Rule, change: Change) -> Result<(), ScenarioError> {
    check(name, Some(rule), change)
}

const PIPE: &str = "exactly-once-pipe";
const SERVICE: &str = "inbox-service";

fn one_in(many: u32) -> postulate::seed::Ratio {
    postulate::seed::Ratio::new(1, many).expect("a share of the whole")
}

/// What is kept beside the effect is no commit that could be ahead of it.
fn atomically(scenario: &mut Scenario) {
    scenario.consumer.settle = Settle::Atomic;
    scenario.promises.retain(|&promise| promise != PromiseName::NeverCommitsAhead);
}

/// The members of one group, with a database that they share.
fn shared(scenario: &mut Scenario, isolation: Isolation) {
    scenario.consumer.groups = Bounded::new(1).expect("one group");
    scenario.consumer.members = Bounded::new(2).expect("two members");
    scenario.consumer.apply = Apply::Database;
    scenario.database = Some(DatabaseSection { isolation });
}

/// What is sent twice stands in two partitions, and handling takes its time.
fn mixed(scenario: &mut Scenario, isolation: Isolation) {
    shared(scenario, isolation);
    scenario.producer.partitioner = Partitioner::RoundRobin;
    scenario.consumer.inbox_expiry = InboxExpiry::Never;
    scenario.consumer.work = Span::millis(5);
    scenario.run.envelope.retain(|class| class.slug() != "clock-step");
}

/// One message in five cannot be handled, and nothing is promised but that none is applied twice.
fn poisoned(scenario: &mut Scenario, on_failure: OnFailure) {
    scenario.workload.poison = Some(Bounded::new(5).expect("one in five"));
    scenario.consumer.on_failure = Some(on_failure);
    scenario.promises = vec![PromiseName::AtMostOnce, PromiseName::PerKeyOrder];
}

#[test]
fn a_position_beside_the_effect_needs_no_inbox() -> Result<(), ScenarioError> {
    holds(PIPE, |pipe| {
        atomically(pipe);
        pipe.consumer.dedup = Dedup::None;
    })
}

#[test]
fn effect_and_dedup_row_belong_in_one_commit() -> Result<(), ScenarioError> {
    breaks(SERVICE, Rule::DuplicateEffect, |it| it.consumer.dedup = Dedup::InboxAfterEffect)?;
    breaks(SERVICE, Rule::CommittedAhead, |it| it.consumer.dedup = Dedup::InboxBeforeEffect)?;
    breaks(PIPE, Rule::DuplicateEffect, |pipe| {
        atomically(pipe);
        pipe.consumer.dedup = Dedup::InboxAfterEffect;
    })
}

#[test]
fn rows_expire_by_the_log_and_not_by_a_clock_that_steps() -> Result<(), ScenarioError> {
    holds(SERVICE, |_| {})?;
    breaks(SERVICE, Rule::DuplicateEffect, |service| {
        service.consumer.inbox_expiry = InboxExpiry::Clock(Span::secs(2));
    })
}

#[test]
fn a_periodic_commit_belongs_to_the_poll_and_not_to_a_timer() -> Result<(), ScenarioError> {
    holds(PIPE, |pipe| pipe.consumer.commit = Some(CommitPolicy::Every(Span::millis(50))))?;
    breaks(PIPE, Rule::CommittedAhead, |pipe| {
        pipe.consumer.commit = Some(CommitPolicy::Background(Span::millis(50)));
    })
}

#[test]
fn a_failed_handling_is_tried_again_unless_it_counts_as_done() -> Result<(), ScenarioError> {
    holds(PIPE, |pipe| pipe.consumer.failing = one_in(20))?;
    breaks(PIPE, Rule::CommittedAhead, |pipe| {
        pipe.consumer.failing = one_in(20);
        pipe.consumer.dedup = Dedup::InboxBeforeEffect;
    })?;
    breaks(PIPE, Rule::Lost, |pipe| {
        pipe.consumer.failing = one_in(20);
        pipe.consumer.on_failure = Some(OnFailure::Skip);
        pipe.consumer.retries = Some(Bounded::new(0).expect("none"));
        pipe.promises = vec![PromiseName::AtLeastOnce];
    })
}

#[test]
fn what_can_never_be_handled_blocks_unless_it_is_put_aside() -> Result<(), ScenarioError> {
    holds(PIPE, |pipe| poisoned(pipe, OnFailure::Skip))?;
    holds(PIPE, |pipe| poisoned(pipe, OnFailure::Park))?;
    breaks(PIPE, Rule::Livelock, |pipe| {
        poisoned(pipe, OnFailure::Retry);
        pipe.promises = vec![PromiseName::AtLeastOnce];
        pipe.run.patience = Some(Span::secs(1).try_into().expect("more than no time"));
    })?;
    breaks(PIPE, Rule::Lost, |pipe| {
        poisoned(pipe, OnFailure::Park);
        pipe.promises = vec![PromiseName::AtLeastOnce];
    })
}

#[test]
fn members_that_share_a_database_apply_each_message_once() -> Result<(), ScenarioError> {
    holds(PIPE, |pipe| shared(pipe, Isolation::ReadCommitted))?;
    holds(PIPE, |pipe| {
        shared(pipe, Isolation::Serializable);
        atomically(pipe);
        pipe.consumer.dedup = Dedup::None;
    })?;
    breaks(PIPE, Rule::DuplicateEffect, |pipe| {
        shared(pipe, Isolation::ReadCommitted);
        pipe.consumer.dedup = Dedup::None;
    })
}

#[test]
fn a_check_before_an_insert_proves_nothing_under_read_committed() -> Result<(), ScenarioError> {
    holds(SERVICE, |service| mixed(service, Isolation::ReadCommitted))?;
    holds(SERVICE, |service| {
        mixed(service, Isolation::Serializable);
        service.consumer.dedup = Dedup::Checked;
    })?;
    breaks(SERVICE, Rule::DuplicateEffect, |service| {
        mixed(service, Isolation::ReadCommitted);
        service.consumer.dedup = Dedup::Checked;
    })
}

#[test]
fn a_projection_goes_by_versions_and_not_by_arrival() -> Result<(), ScenarioError> {
    breaks("projections", Rule::StaleProjection, |it| it.consumer.guard = Some(Guard::None))
}

#[test]
fn a_projection_that_is_made_anew_takes_the_whole_log() -> Result<(), ScenarioError> {
    holds("projections", |it| it.consumer.rebuild = Rebuild::FromStart)?;
    breaks("projections", Rule::StaleProjection, |it| {
        it.consumer.rebuild = Rebuild::FromCommitted;
    })
}

#[test]
fn a_payment_is_known_by_the_key_of_its_message() -> Result<(), ScenarioError> {
    let payments = "external-payments";
    breaks(payments, Rule::DuplicateEffect, |it| {
        it.consumer.idempotency_key = Some(KeyPolicy::Attempt);
    })?;
    breaks(payments, Rule::DuplicateEffect, |it| {
        let external = it.external.as_mut().expect("payments are made there");
        external.retention = Span::secs(1).try_into().expect("more than no time");
    })
}

#[test]
fn work_between_look_and_commit_changes_nothing_for_a_unique_key() -> Result<(), ScenarioError> {
    holds(PIPE, |pipe| pipe.consumer.work = Span::millis(5))
}
