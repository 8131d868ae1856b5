//! The sweep of the command line as a test: as short as it is in a project that uses the crate.

use postulate::harness::Harness;
use postulate::scenario::{Scenario, ScenarioError};

#[test]
fn the_pipe_keeps_its_promises() -> Result<(), ScenarioError> {
    let pipe = Scenario::named("exactly-once-pipe")?.subject()?;
    Harness::new(pipe).schedules(2_000).run();
    Ok(())
}
