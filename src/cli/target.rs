//! From the word for a scenario to what is run.

use super::nearest::nearest;
use crate::run::Subject;
use miette::miette;
use std::sync::Arc;

/// The built-in scenarios: name, and what it is about.
pub(super) fn catalogue() -> Vec<(String, String)> {
    Vec::new()
}

/// The scenario that `word` means: one of the catalogue, or a TOML file.
pub(super) fn resolve(word: &str) -> miette::Result<Arc<dyn Subject>> {
    let names = catalogue();
    let near = nearest(word, names.iter().map(|(name, _)| name.as_str()));
    Err(miette!("there is no scenario {word:?}: {near:?}"))
}
