//! `postulate list`.

use super::Exit;
use super::screen::Screen;
use super::target;

pub(super) fn run(screen: &Screen) -> miette::Result<Exit> {
    let names = target::catalogue();
    let width = names.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines = names.iter().map(|(name, about)| format!("{name:<width$}  {about}\n"));
    screen.print(&lines.collect::<String>())?;
    Ok(Exit::Holds)
}
