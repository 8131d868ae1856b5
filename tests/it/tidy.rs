//! The house rules: layers, lengths, names and bans, checked on every source file.

mod bans;
mod layers;
mod shape;

use std::fs;
use std::path::{Path, PathBuf};

/// A source file, and where it stands in the repository.
pub struct Source {
    /// The path from the root of the repository, with forward slashes.
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The modules from the crate root down to this file; none outside the library.
    fn module(&self) -> Option<Vec<&str>> {
        let inside = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        if inside == "lib" || inside == "main" {
            return None;
        }
        Some(inside.split('/').collect())
    }

    fn tokens(&self) -> proc_macro2::TokenStream {
        self.text.parse().unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }
}

#[test]
fn the_house_rules_are_kept() {
    let sources = read_all(&["src", "tests", "benches", "examples", "fuzz/src", "fuzz/targets"]);
    assert!(sources.len() > 20, "only {} source files were found", sources.len());
    let mut complaints: Vec<_> = sources.iter().flat_map(shape::check).collect();
    complaints.extend(sources.iter().flat_map(bans::check));
    complaints.extend(layers::check(&sources));
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn read_all(folders: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in folders {
        collect(&root.join(folder), &mut paths);
    }
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let path = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            Source { path, text }
        })
        .collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// Asserts that `complaints` are the ones whose beginnings are given.
#[track_caller]
fn check_complaints(complaints: &[String], expected: &[&str]) {
    let matches = complaints.len() == expected.len()
        && complaints.iter().zip(expected).all(|(complaint, start)| complaint.starts_with(start));
    assert!(matches, "{complaints:#?}\nwhere these were expected:\n{expected:#?}");
}
