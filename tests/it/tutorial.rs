//! The programs that the steps of the tutorial share are those that its reader has seen.

const TUTORIAL: &str = include_str!("../../src/tutorial.md");

#[test]
fn the_steps_run_the_programs_that_are_shown() {
    for program in [
        include_str!("../tutorial/payer.rs"),
        include_str!("../tutorial/till.rs"),
        include_str!("../tutorial/shop.rs"),
    ] {
        assert!(TUTORIAL.contains(program), "the tutorial does not show\n{program}");
    }
}
