//! Words that must not stand in the library, or not in its lower layers.

use super::{Source, layers};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// Their iteration order, or their value, differs from process to process.
const UNSTEADY: &[&str] = &["HashMap", "HashSet", "RandomState", "DefaultHasher", "SystemTime"];

/// The highest layer that counts in integers only.
const INTEGER_LAYER_MAX: u8 = 8;

pub fn check(source: &Source) -> Vec<String> {
    let module = source.module();
    let layer = module.as_ref().and_then(|module| layers::layer(module[0]));
    let mut scan = Scan {
        path: &source.path,
        is_library: module.is_some(),
        has_floats: layer.is_none_or(|layer| layer > INTEGER_LAYER_MAX),
        complaints: Vec::new(),
    };
    scan.tokens(source.tokens());
    scan.complaints
}

struct Scan<'a> {
    path: &'a str,
    is_library: bool,
    has_floats: bool,
    complaints: Vec<String>,
}

impl Scan<'_> {
    fn tokens(&mut self, tokens: TokenStream) {
        let (mut after_hash, mut after_dot) = (false, false);
        for token in tokens {
            let is_dot = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '.');
            let is_attribute_start = match &token {
                TokenTree::Punct(punct) => {
                    punct.as_char() == '#' || after_hash && punct.as_char() == '!'
                }
                TokenTree::Ident(ident) => {
                    self.ident(ident);
                    false
                }
                TokenTree::Literal(literal) => {
                    let is_float = syn::parse_str::<syn::LitFloat>(&literal.to_string()).is_ok();
                    // In `pair.0.1` the two fields look like a float.
                    if is_float && !after_dot && !self.has_floats {
                        self.complain(literal.span(), &format!("the float {literal}"));
                    }
                    false
                }
                TokenTree::Group(group) => {
                    if after_hash && group.delimiter() == Delimiter::Bracket {
                        self.attribute(group.stream());
                    }
                    self.tokens(group.stream());
                    false
                }
            };
            (after_hash, after_dot) = (is_attribute_start, is_dot);
        }
    }

    fn ident(&mut self, ident: &Ident) {
        let word = ident.to_string();
        let is_banned = match word.as_str() {
            "unsafe" => true,
            "f32" | "f64" => !self.has_floats,
            word => self.is_library && UNSTEADY.contains(&word),
        };
        if is_banned {
            self.complain(ident.span(), &format!("`{word}`"));
        }
    }

    /// `#[allow(…)]`, also inside `#[cfg_attr(…)]`: an expectation says why, and ends by itself.
    fn attribute(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter();
        let Some(TokenTree::Ident(name)) = tokens.next() else { return };
        if name == "allow" {
            self.complain(name.span(), "`allow` instead of `expect`");
        } else if name == "cfg_attr"
            && let Some(TokenTree::Group(arguments)) = tokens.next()
        {
            for argument in arguments.stream() {
                match argument {
                    TokenTree::Ident(name) if name == "allow" => {
                        self.complain(name.span(), "`allow` instead of `expect`");
                    }
                    _ => {}
                }
            }
        }
    }

    fn complain(&mut self, span: proc_macro2::Span, what: &str) {
        let (path, line) = (self.path, span.start().line);
        self.complaints.push(format!("{path}:{line}: {what} has no place here"));
    }
}

mod tests {
    use super::super::check_complaints;
    use super::*;

    #[track_caller]
    fn check_bans(path: &str, text: &str, expected: &[&str]) {
        check_complaints(&check(&Source::new(path, text)), expected);
    }

    #[test]
    fn expectations_instead_of_allowances() {
        let complaint = &["src/sim.rs:1: `allow`"];
        check_bans("src/sim.rs", "#[allow(dead_code)] fn f() {}", complaint);
        check_bans("src/sim.rs", "#![allow(dead_code)]", complaint);
        check_bans("src/sim.rs", "#[cfg_attr(test, allow(dead_code))] fn f() {}", complaint);
        check_bans("src/sim.rs", "fn f() { { #[allow(unused)] let x = 1; } }", complaint);
        check_bans("src/sim.rs", "#[expect(dead_code, reason = \"\")] fn allow() {}", &[]);
    }

    #[test]
    fn nothing_unsafe_anywhere() {
        check_bans("tests/it/a.rs", "fn f() { unsafe { g() } }", &["tests/it/a.rs:1: `unsafe`"]);
        check_bans("src/sim.rs", "// unsafe\nfn f() { g(\"unsafe\") }", &[]);
    }

    #[test]
    fn integers_only_below_the_reports() {
        check_bans("src/sim/queue.rs", "fn f(x: f64) {}", &["src/sim/queue.rs:1: `f64`"]);
        check_bans("src/time.rs", "fn f(x: f32) {}", &["src/time.rs:1: `f32`"]);
        check_bans("src/time.rs", "\nconst X: u8 = 1.5 as u8;", &["src/time.rs:2: the float 1.5"]);
        check_bans("src/time.rs", "const X: u8 = 0x1e5 as u8; fn f() { x.0.1; }", &[]);
        check_bans("src/report/words.rs", "fn f(x: f64) -> f64 { x * 1.5 }", &[]);
    }

    #[test]
    fn nothing_whose_order_or_value_is_unsteady() {
        check_bans("src/cli.rs", "use std::collections::HashMap;", &["src/cli.rs:1: `HashMap`"]);
        check_bans("src/sim.rs", "vec![HashSet::new()]", &["src/sim.rs:1: `HashSet`"]);
        check_bans("tests/it/a.rs", "use std::collections::HashSet;", &[]);
    }
}
