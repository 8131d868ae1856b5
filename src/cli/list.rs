//! `postulate list`.

use super::Exit;
use super::screen::Screen;
use super::target::{self, Listed};

pub(super) fn run(screen: &Screen) -> miette::Result<Exit> {
    let (scenarios, specimens) = (target::scenarios()?, target::specimens());
    let names = scenarios.iter().chain(&specimens);
    let width = names.map(|listed| listed.name.len()).max().unwrap_or(0);
    let line = |Listed { name, about }: &Listed| format!("  {name:<width$}  {about}\n");
    let text = format!(
        "Scenarios\n{}\nBugs planted in them\n{}",
        scenarios.iter().map(line).collect::<String>(),
        specimens.iter().map(line).collect::<String>()
    );
    screen.print(&text)?;
    Ok(Exit::Holds)
}
