//! `postulate check`.

use super::Exit;
use super::arguments::{Asked, CheckArguments, CheckFormat, Recording};
use super::screen::Screen;
use super::target;
use crate::check::{Course, Handling, Judge, Promise, Verdict};
use crate::history::Spool;
use crate::history::lines::LineError;
use crate::id::{GroupId, SinkId};
use crate::report::{Checked, Paint, check_json, check_page, check_text};
use crate::scenario::PromiseName;
use excerpt::Excerpt;
use input::Input;
use miette::{Diagnostic, SourceSpan};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

mod calls;
mod excerpt;
mod input;

/// The name of standard input or output among files.
pub(super) const STANDARD_STREAM: &str = "-";

/// Bytes of a history that are read at once.
const BUFFER: usize = 1 << 18;

/// Why a history cannot be judged.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum Misread {
    #[error("the history {file} cannot be read")]
    Unreadable { file: String, source: io::Error },
    #[error("the history {file} cannot be kept in a temporary file while it is judged")]
    Unkept { file: String, source: io::Error },
    #[error("{file}: {error}")]
    Wrong {
        file: String,
        error: LineError,
        #[source_code]
        text: Excerpt,
        #[label("here")]
        place: SourceSpan,
        #[help]
        cure: &'static str,
    },
    #[error("{file} has effects, and no sink is named for the promises to be about")]
    #[diagnostic(help("name the sinks of the effects that were promised, such as --sink 0"))]
    Sinkless { file: String },
}

/// A history of calls that is to keep other promises.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("a history of registers tells of no messages")]
#[diagnostic(help("ask whether they are read as they were written: --promise register"))]
struct Callers;

/// A promise that cannot be judged as it was named.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("the promise {promise} needs {what}")]
struct Unfit {
    promise: Asked,
    what: &'static str,
    #[help]
    cure: &'static str,
}

pub(super) fn run(arguments: &CheckArguments, screen: &Screen) -> miette::Result<Exit> {
    let subject = arguments.scenario.as_deref().map(target::resolve).transpose()?;
    let checked = if let Some(object) = calls::asked(arguments)? {
        calls::check_all(arguments, object)?
    } else {
        let named = promises(arguments)?;
        let promises = subject.as_ref().map_or(named.as_slice(), |subject| subject.promises());
        let is_sinkless = named.iter().any(is_sinkless);
        let check = |file: &String| check(file, arguments.from, promises, is_sinkless);
        arguments.histories.iter().map(check).collect::<miette::Result<_>>()?
    };
    let machines = subject.as_ref().map_or(&[][..], |subject| subject.machines());
    let report = match arguments.format {
        CheckFormat::Human => {
            let paint = if arguments.output.is_some() { Paint::Plain } else { screen.paint() };
            check_text(&checked, machines, paint)
        }
        CheckFormat::Json => check_json(arguments.scenario.as_deref(), &checked),
        CheckFormat::Html => check_page(judge(arguments), &checked, machines),
    };
    let verdicts: Vec<_> = checked.iter().map(Checked::told).collect();
    screen.deliver(&report, arguments.output.as_deref(), &verdicts.join("\n"))?;
    let is = |wanted: fn(&Verdict) -> bool| checked.iter().any(|one| wanted(&one.verdict));
    Ok(if is(|verdict| matches!(verdict, Verdict::Violated(_))) {
        Exit::Violated
    } else if is(|verdict| matches!(verdict, Verdict::Unknown { .. })) {
        Exit::Vacuous
    } else {
        Exit::Holds
    })
}

/// What judges the histories, in words.
fn judge(arguments: &CheckArguments) -> String {
    let promises = || arguments.promises.iter().map(Asked::to_string).collect::<Vec<_>>();
    arguments.scenario.clone().unwrap_or_else(|| promises().join(", "))
}

/// Judges a history while it is read.
fn check(
    file: &str,
    from: Recording,
    promises: &[Promise],
    is_sinkless: bool,
) -> miette::Result<Checked> {
    let unreadable = |source| Misread::Unreadable { file: file.to_owned(), source };
    let unkept = |source| Misread::Unkept { file: file.to_owned(), source };
    let input = BufReader::with_capacity(BUFFER, open(file).map_err(unreadable)?);
    let mut reader = Input::new(input, from).ok_or(Callers)?;
    let mut spool = Spool::new(tempfile::tempfile().map_err(unkept)?);
    let mut judge = Judge::new(promises);
    let mut operations = 0;
    loop {
        match reader.read() {
            Ok(Some(operation)) => {
                judge.observe(&operation);
                spool.push(&operation).map_err(unkept)?;
                operations += 1;
            }
            Ok(None) => break,
            Err(error) => return Err(wrong(file, &reader, error).into()),
        }
    }
    if is_sinkless && judge.counts().effects > 0 {
        return Err(Misread::Sinkless { file: file.to_owned() }.into());
    }
    spool.flush().map_err(unkept)?;
    let verdict = judge.conclude(&spool);
    match spool.failure() {
        Some(error) => Err(unkept(error).into()),
        None => Ok(Checked { file: file.to_owned(), operations, verdict, calls: Vec::new() }),
    }
}

/// Whether a promise is about what is read only because no sink is named.
fn is_sinkless(promise: &Promise) -> bool {
    matches!(promise, Promise::AtLeastOnce { sinks } if sinks.is_empty())
}

fn open(file: &str) -> io::Result<Box<dyn Read>> {
    if file == STANDARD_STREAM {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(File::open(file)?))
}

fn wrong<R: BufRead>(file: &str, input: &Input<R>, error: LineError) -> Misread {
    let cure = input.cure(&error);
    Misread::wrong(file, input.text(), error, cure)
}

impl Misread {
    fn wrong(file: &str, line: &[u8], error: LineError, cure: &'static str) -> Self {
        let (text, place) = Excerpt::of(file, line, &error);
        Self::Wrong { file: file.to_owned(), cure, error, text, place }
    }
}

/// The promises that are named, about the sinks and groups that are.
fn promises(arguments: &CheckArguments) -> Result<Vec<Promise>, Unfit> {
    let sinks: Vec<SinkId> = arguments.sinks.iter().map(|&number| SinkId(number)).collect();
    let groups: Vec<GroupId> = arguments.groups.iter().map(|&number| GroupId(number)).collect();
    let asked = arguments.promises.iter().filter_map(|asked| match asked {
        Asked::Promise(name) => Some(promise(*name, &sinks, &groups)),
        Asked::Fifo | Asked::Register => None,
    });
    asked.collect()
}

fn promise(name: PromiseName, sinks: &[SinkId], groups: &[GroupId]) -> Result<Promise, Unfit> {
    let unfit = |what, cure| Unfit { promise: Asked::Promise(name), what, cure };
    let at_sinks = || match sinks {
        [] => Err(unfit("the sinks of its effects", "name them, such as --sink 0")),
        _ => Ok(sinks.to_vec()),
    };
    let of_groups = || match groups {
        [] => Err(unfit("the groups of the consumers", "name them, such as --group 0")),
        _ => Ok(groups.to_vec()),
    };
    Ok(match name {
        PromiseName::AtMostOnce => Promise::AtMostOnce { sinks: at_sinks()? },
        PromiseName::AtLeastOnce => Promise::AtLeastOnce { sinks: sinks.to_vec() },
        PromiseName::ExactlyOnce => Promise::ExactlyOnce { sinks: at_sinks()? },
        PromiseName::IdempotentProducer => Promise::IdempotentProducer,
        PromiseName::PerKeyOrder => Promise::PerKeyOrder,
        PromiseName::DurableLog => Promise::DurableLog { retention: None, compacted: false },
        PromiseName::NeverCommitsAhead => {
            let (groups, sinks) = (of_groups()?, at_sinks()?);
            if groups.len() != sinks.len() {
                let cure = "name as many, in one order, such as --group 0,1 --sink 0,1";
                return Err(unfit("a sink for each group", cure));
            }
            let pairs = groups.into_iter().zip(sinks);
            Promise::NeverCommitsAhead {
                of: pairs.map(|(group, sink)| Handling { group, sink }).collect(),
            }
        }
        PromiseName::Accounted => Promise::Accounted { of: vec![at_sinks()?], disjoint: false },
        PromiseName::OrderedEffects => Promise::OrderedEffects {
            of: at_sinks()?.into_iter().map(|sink| Course { sink, dead_letters: None }).collect(),
        },
        PromiseName::SettledForGood => Promise::SettledForGood { groups: of_groups()? },
        PromiseName::Fenced => Promise::Fenced { sinks: at_sinks()? },
        PromiseName::Atomic => Promise::Atomic { sinks: at_sinks()? },
        PromiseName::Convergent
        | PromiseName::Projected
        | PromiseName::BoundedRedelivery
        | PromiseName::BoundedBacklog
        | PromiseName::Compensated => {
            let cure = "state it in a scenario, and judge by --scenario";
            return Err(unfit(
                "to know machines, bounds or steps that only a scenario states",
                cure,
            ));
        }
    })
}
