//! Files, lines and functions that fit a reader's head, and names that say something.

use super::Source;
use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ImplItemFn, ItemFn, ItemMod, Pat, Signature, Stmt, TraitItemFn};

const FILE_LINES_MAX: usize = 600;
const LINE_WIDTH_MAX: usize = 100;
const FUNCTION_LINES_MAX: usize = 70;

/// Names of rooms that hold anything.
const BANNED_NAMES: &[&str] =
    &["mod", "util", "utils", "helper", "helpers", "misc", "common", "manager", "managers"];

pub fn check(source: &Source) -> Vec<String> {
    let Source { path, text } = source;
    let mut complaints = Vec::new();
    for name in path.trim_end_matches(".rs").split('/') {
        if BANNED_NAMES.contains(&name) {
            complaints.push(format!("{path}: the name {name:?} says nothing"));
        }
    }
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        complaints.push(format!("{path}: {lines} lines are more than {FILE_LINES_MAX}"));
    }
    for (index, line) in text.lines().enumerate() {
        let width = line.chars().count();
        if width > LINE_WIDTH_MAX {
            let line = index + 1;
            complaints.push(format!("{path}:{line}: {width} columns, over {LINE_WIDTH_MAX}"));
        }
    }
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut bodies = Bodies { path, complaints };
    bodies.visit_file(&file);
    bodies.complaints
}

struct Bodies<'a> {
    path: &'a str,
    complaints: Vec<String>,
}

impl Bodies<'_> {
    fn measure(&mut self, signature: &Signature, body: &Block) {
        let first = signature.fn_token.span.start().line;
        let lines = body.brace_token.span.close().end().line - first + 1;
        if lines > FUNCTION_LINES_MAX && !is_one_match(body) {
            let (path, name) = (self.path, &signature.ident);
            self.complaints.push(format!(
                "{path}:{first}: {name} has {lines} lines, more than {FUNCTION_LINES_MAX}"
            ));
        }
    }
}

/// Whether a body is nothing but a match that names every case: cutting it would not make it
/// clearer.
fn is_one_match(body: &Block) -> bool {
    let [Stmt::Expr(Expr::Match(only), None)] = body.stmts.as_slice() else { return false };
    !only.arms.iter().any(|arm| matches!(arm.pat, Pat::Wild(_)))
}

impl<'ast> Visit<'ast> for Bodies<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.measure(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let name = module.ident.to_string();
        if module.content.is_some() && BANNED_NAMES.contains(&name.as_str()) {
            let line = Span::start(&module.span()).line;
            let path = self.path;
            self.complaints.push(format!("{path}:{line}: the name {name:?} says nothing"));
        }
        visit::visit_item_mod(self, module);
    }
}

mod tests {
    use super::super::check_complaints;
    use super::*;

    #[track_caller]
    fn check_shape(path: &str, text: &str, expected: &[&str]) {
        check_complaints(&check(&Source::new(path, text)), expected);
    }

    fn long(first: &str, each: &str, last: &str) -> String {
        format!("fn f(x: u8) -> u8 {{\n{first}\n{}{last}\n}}\n", format!("{each}\n").repeat(70))
    }

    #[test]
    fn a_file_is_at_most_600_lines_long() {
        check_shape("src/a.rs", &"\n".repeat(600), &[]);
        check_shape("src/a.rs", &"\n".repeat(601), &["src/a.rs: 601 lines"]);
        check_shape("tests/it/a.rs", &"\n".repeat(601), &["tests/it/a.rs: 601 lines"]);
    }

    #[test]
    fn a_line_is_at_most_100_columns_wide_in_characters() {
        check_shape("src/a.rs", &format!("// {}", "é".repeat(97)), &[]);
        check_shape("src/a.rs", &format!("\n// {}", "x".repeat(98)), &["src/a.rs:2: 101 columns"]);
    }

    #[test]
    fn a_function_is_at_most_70_lines_long_wherever_it_stands() {
        let function = long("let y = x;", "", "y");
        let complaint = "f has 74 lines";
        check_shape("src/a.rs", &function, &[&format!("src/a.rs:1: {complaint}")]);
        let method = format!("impl A {{\n{function}}}");
        check_shape("src/a.rs", &method, &[&format!("src/a.rs:2: {complaint}")]);
        let default = format!("trait A {{\n{function}}}");
        check_shape("src/a.rs", &default, &[&format!("src/a.rs:2: {complaint}")]);
        let inner = format!("mod a {{\n{function}}}");
        check_shape("src/a.rs", &inner, &[&format!("src/a.rs:2: {complaint}")]);
    }

    #[test]
    fn a_function_that_is_one_exhaustive_match_may_be_long() {
        check_shape("src/a.rs", &long("match x {", "", "y => y }"), &[]);
        check_shape("src/a.rs", &long("match x {", "", "_ => 1 }"), &["src/a.rs:1: f has 74"]);
        check_shape("src/a.rs", &long("let x = 1; match x {", "", "y => y }"), &["src/a.rs:1: f"]);
    }

    #[test]
    fn rooms_that_hold_anything_are_refused() {
        check_shape("src/utils.rs", "", &["src/utils.rs: the name \"utils\""]);
        check_shape("src/sim/mod.rs", "", &["src/sim/mod.rs: the name \"mod\""]);
        check_shape("src/common/a.rs", "", &["src/common/a.rs: the name \"common\""]);
        check_shape("src/a.rs", "mod helpers { }", &["src/a.rs:1: the name \"helpers\""]);
        check_shape("src/model.rs", "mod commons;", &[]);
    }
}
