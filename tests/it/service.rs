//! Services that write their state and the log, in every order.

use postulate::check::Rule;
use postulate::harness::Harness;
use postulate::scenario::{Scenario, ScenarioError};

const TWIN: &str = include_str!("../../scenarios/log-first-service.toml");
const DUAL: &str = include_str!("../../scenarios/outbox-free-dual-write.toml");

#[test]
fn a_state_that_is_folded_from_the_log_agrees_with_all_others() -> Result<(), ScenarioError> {
    let twin = Scenario::from_toml("log-first-service.toml", TWIN)?;
    Harness::new(twin.subject()?).schedules(2_000).run();
    Ok(())
}

#[test]
fn a_dual_write_leaves_one_of_the_two_behind_in_either_order() -> Result<(), ScenarioError> {
    for order in ["\"database-first\"", "\"publish-then-commit\""] {
        let change =
            |text| Scenario::from_toml_changed("service.toml", text, "service.write", order);
        for text in [DUAL, TWIN] {
            let dual = Harness::new(change(text)?.subject()?).schedules(500);
            dual.expect_violation(Rule::Diverged).run();
        }
    }
    Ok(())
}
