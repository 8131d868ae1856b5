//! The sections of a scenario, read from the sources that define them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use syn::parse::{Parse, ParseStream};
use syn::{
    Attribute, Expr, Fields, GenericArgument, Ident, Item, ItemEnum, ItemStruct, Lit, LitStr, Meta,
    PathArguments, Token, Type,
};

/// A table of a scenario file.
pub struct Section {
    /// Its name in a file, such as `broker`; empty for the file itself.
    pub name: String,
    /// Its fields in the code, such as `broker` or `programs`.
    pub field: String,
    /// How many of it a file may have.
    pub count: Count,
    pub doc: String,
    pub keys: Vec<Key>,
}

/// How many sections of a name a file may have.
#[derive(Copy, Clone, PartialEq, Eq)]
pub enum Count {
    /// One, and leaving it out is stating nothing in it.
    One,
    /// One or none, which is not the same.
    AtMostOne,
    /// Any number.
    Several,
}

/// What can be stated in a section.
pub struct Key {
    pub name: String,
    /// The field in the code.
    pub field: String,
    pub doc: String,
    pub value: Value,
    pub is_required: bool,
}

/// What a key takes.
#[derive(Clone)]
pub enum Value {
    Number { min: u64, max: u64 },
    Time,
    TimeAboveZero,
    Times,
    Ratio,
    YesOrNo,
    Text,
    Words(Vec<Word>),
    List(Box<Value>),
    Optional(Box<Value>),
}

/// A word that a key takes.
#[derive(Clone)]
pub struct Word {
    /// As in a file.
    pub written: String,
    /// As in the code.
    pub variant: String,
    /// What comes with it, as in `{ entries = 100 }`.
    pub with: Option<Value>,
    pub doc: String,
    pub is_default: bool,
}

impl Value {
    /// The words of it, if it takes words.
    pub fn words(&self) -> Option<&[Word]> {
        match self {
            Self::Words(words) => Some(words),
            Self::List(inner) | Self::Optional(inner) => inner.words(),
            _ => None,
        }
    }
}

/// The types of the library that can be read from a file.
pub struct Sources {
    structs: BTreeMap<String, ItemStruct>,
    enums: BTreeMap<String, ItemEnum>,
    classes: Vec<Word>,
}

impl Sources {
    pub fn read() -> Self {
        let (structs, enums, classes) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut sources = Self { structs, enums, classes };
        let mut paths = Vec::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut paths);
        for path in paths {
            let file = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
            for item in file.items {
                sources.take(item);
            }
        }
        sources
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Struct(item) if is_read_from_files(&item.attrs) => {
                let name = item.ident.to_string();
                assert!(!self.structs.contains_key(&name), "two structs are called {name}");
                self.structs.insert(name, item);
            }
            Item::Enum(item) if is_read_from_files(&item.attrs) => {
                let name = item.ident.to_string();
                assert!(!self.enums.contains_key(&name), "two enums are called {name}");
                self.enums.insert(name, item);
            }
            Item::Macro(item) if item.mac.path.is_ident("fault_classes") => {
                self.classes = item.mac.parse_body::<Classes>().unwrap().0;
            }
            _ => {}
        }
    }

    fn value(&self, ty: &Type, place: &str) -> Value {
        let Type::Path(path) = ty else { panic!("{place} has a type that the reference lacks") };
        let last = path.path.segments.last().unwrap();
        let arguments = match &last.arguments {
            PathArguments::AngleBracketed(angled) => angled.args.iter().collect(),
            _ => Vec::new(),
        };
        let inner = || match arguments.first() {
            Some(GenericArgument::Type(inner)) => Box::new(self.value(inner, place)),
            _ => panic!("{place} has a container of nothing"),
        };
        match last.ident.to_string().as_str() {
            "Bounded" => Value::Number { min: number(arguments[0]), max: number(arguments[1]) },
            "u32" => Value::Number { min: 0, max: u32::MAX.into() },
            "Span" => Value::Time,
            "Positive" => Value::TimeAboveZero,
            "Between" => Value::Times,
            "Ratio" => Value::Ratio,
            "bool" => Value::YesOrNo,
            "String" => Value::Text,
            "Option" => Value::Optional(inner()),
            "Vec" => Value::List(inner()),
            "FaultClass" => Value::Words(self.classes.clone()),
            name => match self.enums.get(name) {
                Some(item) => Value::Words(self.words(item)),
                None => panic!("{place} has the type {name}, for which the reference lacks words"),
            },
        }
    }

    fn words(&self, item: &ItemEnum) -> Vec<Word> {
        let said = serde_words(&item.attrs);
        let kebab_case = ("rename_all".to_owned(), Some("kebab-case".to_owned()));
        assert!(said.contains(&kebab_case), "{} is not in kebab-case", item.ident);
        let variants = item.variants.iter().map(|variant| {
            let name = variant.ident.to_string();
            let with = match &variant.fields {
                Fields::Unit => None,
                Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                    Some(self.value(&fields.unnamed[0].ty, &name))
                }
                _ => panic!("{}::{name} has fields, for which the page lacks words", item.ident),
            };
            let said = serde_words(&variant.attrs);
            let renamed = said.iter().find(|(word, _)| word == "rename");
            Word {
                written: renamed.and_then(|(_, word)| word.clone()).unwrap_or_else(|| kebab(&name)),
                variant: name,
                with,
                doc: doc(&variant.attrs),
                is_default: variant.attrs.iter().any(|word| word.path().is_ident("default")),
            }
        });
        variants.collect()
    }

    /// The section that a type makes, and how many of it there may be.
    fn section(&self, ty: &Type) -> Option<(&ItemStruct, Count)> {
        let Type::Path(path) = ty else { return None };
        let last = path.path.segments.last()?;
        if let PathArguments::AngleBracketed(angled) = &last.arguments {
            let Some(GenericArgument::Type(inner)) = angled.args.first() else { return None };
            let (item, _) = self.section(inner)?;
            let count = if last.ident == "Vec" { Count::Several } else { Count::AtMostOne };
            return Some((item, count));
        }
        let value_types = ["Bounded", "Positive", "Between", "Span", "Ratio"];
        let is_value = value_types.iter().any(|value| last.ident == value);
        let item = self.structs.get(&last.ident.to_string()).filter(|_| !is_value)?;
        Some((item, Count::One))
    }
}

/// The sections of a scenario file, in the order of the code: the file itself first.
pub fn sections(sources: &Sources) -> Vec<Section> {
    let mut sections = Vec::new();
    let file = Section {
        name: String::new(),
        field: String::new(),
        count: Count::One,
        doc: String::new(),
        keys: Vec::new(),
    };
    enter(sources, &sources.structs["Scenario"], file, &mut sections);
    sections
}

fn enter(sources: &Sources, item: &ItemStruct, section: Section, sections: &mut Vec<Section>) {
    let place = sections.len();
    let has_defaults = serde_words(&item.attrs).iter().any(|(word, _)| word == "default");
    let (outer, outer_field) = (section.name.clone(), section.field.clone());
    sections.push(Section { doc: doc(&item.attrs), ..section });
    for field in &item.fields {
        let said = serde_words(&field.attrs);
        let has = |wanted: &str| said.iter().any(|(word, _)| word == wanted);
        if has("skip") {
            continue;
        }
        let own = field.ident.as_ref().unwrap().to_string();
        let renamed = said.iter().find(|(word, _)| word == "rename");
        let name = renamed.and_then(|(_, value)| value.clone()).unwrap_or_else(|| own.clone());
        if let Some((inner, count)) = sources.section(&field.ty) {
            let (name, field) = (path(&outer, &name), path(&outer_field, &own));
            let (doc, keys) = (String::new(), Vec::new());
            enter(sources, inner, Section { name, field, count, doc, keys }, sections);
            continue;
        }
        let value = sources.value(&field.ty, &format!("{}.{name}", item.ident));
        let is_optional = matches!(value, Value::Optional(_));
        let is_required = !has_defaults && !has("default") && !is_optional;
        let doc = doc(&field.attrs);
        sections[place].keys.push(Key { name, field: own, doc, value, is_required });
    }
}

/// `key` inside of `section`, as in `broker.partitions`.
pub fn path(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// The body of the macro that defines the classes of faults.
struct Classes(Vec<Word>);

impl Parse for Classes {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut words = Vec::new();
        while !input.is_empty() {
            let doc = doc(&input.call(Attribute::parse_outer)?);
            let variant = input.parse::<Ident>()?.to_string();
            input.parse::<Token![=]>()?;
            let word = input.parse::<LitStr>()?.value();
            input.parse::<Option<Token![,]>>()?;
            words.push(Word { written: word, variant, with: None, doc, is_default: false });
        }
        Ok(Self(words))
    }
}

fn is_read_from_files(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("derive")).any(|attribute| {
        let Meta::List(list) = &attribute.meta else { return false };
        list.tokens.to_string().contains("Deserialize")
    })
}

/// The words of serde's attributes, with their values.
fn serde_words(attributes: &[Attribute]) -> Vec<(String, Option<String>)> {
    let mut words = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let read = attribute.parse_nested_meta(|meta| {
            let word = meta.path.require_ident()?.to_string();
            let value = match meta.value() {
                Ok(value) => Some(value.parse::<LitStr>()?.value()),
                Err(_) => None,
            };
            words.push((word, value));
            Ok(())
        });
        read.unwrap();
    }
    words
}

/// A docstring on one line, without links that lead nowhere from the page.
fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    // What is meant for the reader of the code ends with the first paragraph.
    let text: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let text = text.join(" ");
    let mut bare = String::new();
    let mut parts = text.split("[`");
    bare.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once("`]").expect("a link ends");
        let rest = match rest.strip_prefix('(') {
            Some(target) => target.split_once(')').expect("a target ends").1,
            None => rest,
        };
        let _ = write!(bare, "`{name}`{rest}");
    }
    bare
}

fn kebab(name: &str) -> String {
    let mut word = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.extend(letter.to_lowercase());
    }
    word
}

fn number(argument: &GenericArgument) -> u64 {
    let GenericArgument::Const(expression) = argument else { panic!("a bound is a number") };
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse().unwrap(),
            _ => panic!("a bound is a whole number"),
        },
        // The only constant that is used: `{ u32::MAX }`.
        _ => u32::MAX.into(),
    }
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    paths.sort();
}
