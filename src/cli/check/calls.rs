//! Queues and registers, judged by their calls.

use super::{BUFFER, Misread, Unfit, input, open};
use crate::check::Verdict;
use crate::check::strong::{Budget, Judged, Register, Spent, judge_queue, judge_registers};
use crate::cli::arguments::{Asked, CheckArguments, Recording};
use crate::history::calls::Calls;
use crate::history::jepsen::CallReader;
use crate::report::Checked;
use miette::Diagnostic;
use std::io::{BufReader, Read};
use std::num::NonZeroU64;

/// Steps of a search, unless it is told otherwise.
const STEPS: u64 = 100_000_000;
/// Bytes of a search, unless it is told otherwise.
const MEMORY: u64 = 1_000_000_000;

/// An option that would say nothing.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{option} is for the promise {of}, which is not asked about")]
struct Idle {
    option: &'static str,
    of: &'static str,
}

/// What the calls are to be those of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Queue,
    Registers,
}

/// The object that is asked about, if one is.
///
/// # Errors
/// If it cannot be asked about as it is, or an option is given that is about another.
pub(super) fn asked(arguments: &CheckArguments) -> miette::Result<Option<Object>> {
    let calls = |asked: &&Asked| !matches!(asked, Asked::Promise(_));
    let Some(&promise) = arguments.promises.iter().find(calls) else {
        let (is_bounded, is_held) = (arguments.steps.or(arguments.memory), arguments.initial);
        return match (is_bounded, is_held) {
            (None, None) => Ok(None),
            (_, Some(_)) => Err(Idle { option: "--initial", of: "register" }.into()),
            _ => Err(Idle { option: "--steps or --memory", of: "fifo or register" }.into()),
        };
    };
    let unfit = |what, cure| Err(Unfit { promise, what, cure }.into());
    if promise == Asked::Fifo && arguments.initial.is_some() {
        return Err(Idle { option: "--initial", of: "register" }.into());
    }
    if arguments.promises.len() > 1 {
        return unfit("to be asked about alone", "name it by itself, and the others apart from it");
    }
    match (promise, arguments.from) {
        (Asked::Fifo, Recording::JepsenQueue) => Ok(Some(Object::Queue)),
        (Asked::Fifo, _) => unfit(
            "a history that tells when each call began and ended",
            "record the calls of the queue as Jepsen does, and give --from jepsen-queue",
        ),
        (_, Recording::JepsenRegister) => Ok(Some(Object::Registers)),
        _ => unfit(
            "a history that tells when each call began and ended",
            "record the calls of the registers as Jepsen does, and give --from jepsen-register",
        ),
    }
}

pub(super) fn check_all(
    arguments: &CheckArguments,
    object: Object,
) -> miette::Result<Vec<Checked>> {
    let bytes = arguments.memory.map_or(MEMORY, NonZeroU64::get);
    let budget = Budget {
        steps: arguments.steps.map_or(STEPS, NonZeroU64::get),
        bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
    };
    let register = Register { start: arguments.initial };
    let mut checked = Vec::new();
    for file in &arguments.histories {
        let (operations, judged) = match object {
            Object::Queue => {
                let (operations, queues) = read(file, CallReader::queue)?;
                (operations, queues.first().map(|queue| judge_queue(queue, budget)))
            }
            Object::Registers => {
                let (operations, registers) = read(file, CallReader::registers)?;
                (operations, Some(judge_registers(&registers, &register, budget)))
            }
        };
        if let Some(Judged { verdict, shown, spent }) = judged {
            let verdict = with_cure(verdict, spent);
            checked.push(Checked { file: file.clone(), operations, verdict, calls: shown });
        }
    }
    Ok(checked)
}

type Input = BufReader<Box<dyn Read>>;

/// How many operations a file holds, and the calls that they are.
fn read<A: Copy + PartialEq>(
    file: &str,
    reader: impl FnOnce(Input) -> CallReader<Input, A>,
) -> miette::Result<(u64, Vec<Calls<A>>)> {
    let unreadable = |source| Misread::Unreadable { file: file.to_owned(), source };
    let mut reader = reader(BufReader::with_capacity(BUFFER, open(file).map_err(unreadable)?));
    loop {
        match reader.read() {
            Ok(true) => {}
            Ok(false) => return Ok((reader.operations(), reader.finish())),
            Err(error) => {
                let cure = input::cure(&error);
                return Err(Misread::wrong(file, reader.text(), error, cure).into());
            }
        }
    }
}

/// The verdict, with what to do if a budget was spent.
fn with_cure(verdict: Verdict, spent: Option<Spent>) -> Verdict {
    match (verdict, spent) {
        (Verdict::Unknown { why }, Some(Spent::Steps)) => {
            Verdict::Unknown { why: why + "; --steps allows more" }
        }
        (Verdict::Unknown { why }, Some(Spent::Memory)) => {
            Verdict::Unknown { why: why + "; --memory allows more" }
        }
        (verdict, _) => verdict,
    }
}
