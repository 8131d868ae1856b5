//! What can be written after `postulate`.

use super::{log, surroundings};
use crate::explore::Search;
use crate::scenario::PromiseName;
use crate::schedule::Strategy;
use crate::seed::Seed;
use crate::time::Span;
use crate::zoo::Approach;
use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{self, StrDeserializer};
use std::fmt;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use tracing_subscriber::filter::Targets;

/// Finds, replays and explains consistency bugs in asynchronous message systems.
#[derive(Debug, Parser)]
#[command(
    name = "postulate",
    version,
    max_term_width = 100,
    after_long_help = surroundings::told()
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the scenarios that are built in
    List,
    /// Run many seeds of a scenario and judge them
    Sweep(SweepArguments),
    /// Run one seed of a scenario, or a failure file, again and tell its story
    Replay(ReplayArguments),
    /// Make the failure of a seed, or of a failure file, as small as it can be
    Shrink(ShrinkArguments),
    /// Judge histories by promises, or by those of a scenario
    Check(CheckArguments),
    /// Show the published bugs that are planted, and put them to the test
    Zoo(ZooArguments),
    /// Show which method keeps which promise under which faults
    Matrix(MatrixArguments),
    /// Write the completions of this command for a shell
    Completions(CompletionsArguments),
    /// Write the manual page of this command
    Man(ManArguments),
}

#[derive(Debug, Args)]
pub(super) struct SweepArguments {
    /// A scenario from `postulate list`, or the path of a TOML file
    #[arg(default_value = "exactly-once-pipe", value_hint = ValueHint::AnyPath)]
    pub(super) scenario: String,
    /// How many schedules to run at most [default: 300000 seeds, or all of an exhaustive search]
    #[arg(long, value_name = "N", env = "POSTULATE_SCHEDULES", value_parser = count)]
    pub(super) schedules: Option<u64>,
    /// The first seed
    #[arg(long, value_name = "SEED", env = "POSTULATE_SEED", default_value = "0")]
    pub(super) from: Seed,
    /// How many threads to use [default: one a core]
    #[arg(long, value_name = "J", env = "POSTULATE_JOBS")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// When to end, such as 30s or 5min
    #[arg(long, value_name = "D", env = "POSTULATE_TIME_LIMIT")]
    pub(super) time_limit: Option<Span>,
    /// After how many failing seeds to end
    #[arg(long, value_name = "K")]
    pub(super) stop_after: Option<NonZeroU64>,
    /// Run every seed again and compare, not only a sample
    #[arg(
        long,
        env = "POSTULATE_CHECK_DETERMINISM",
        value_parser = BoolishValueParser::new()
    )]
    pub(super) check_determinism: bool,
    /// Count how many distinct abstract states and partial orders the first 10,000 seeds show
    #[arg(long)]
    pub(super) novelty: bool,
    /// Into how many failures of each kind to look, to tell which bugs they are: those of the
    /// lowest seeds are shrunk; 0 shrinks nothing [default: 8]
    #[arg(long, value_name = "N")]
    pub(super) look_into: Option<usize>,
    /// Keep the smallest example of each bug as a file below this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) save: Option<String>,
    /// In which order a seed handles what is due close together: mix (each seed draws one), time,
    /// pct, pos or walk; or, instead of seeds, exhaustive:K, every schedule with at most K faults
    /// and decisions
    #[arg(long, default_value_t)]
    pub(super) strategy: Search,
    /// How to report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: SweepFormat,
    /// Write the report there, and to the screen only the verdict; - is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) output: Option<String>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SweepFormat {
    /// Text for people
    Human,
    /// One JSON value
    Json,
    /// A test suite in JUnit's XML, for build servers
    Junit,
    /// A page with each bug explained, in one file
    Html,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Text for people
    Human,
    /// One JSON value
    Json,
}

#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// A scenario from `postulate list`, the path of a TOML file, or that of a failure file, which
    /// ends in .json
    #[arg(value_name = "SCENARIO|FILE", value_hint = ValueHint::AnyPath)]
    pub(super) target: String,
    /// The seed to run; a failure file has its own
    #[arg(long, env = "POSTULATE_SEED")]
    pub(super) seed: Option<Seed>,
    /// The scenario to replay a failure file in, instead of the one that it names
    #[arg(long, value_hint = ValueHint::AnyPath)]
    pub(super) scenario: Option<String>,
    /// In which order a seed handles what is due close together: mix (the seed draws one), time,
    /// pct, pos or walk
    /// [default: mix]
    #[arg(long)]
    pub(super) strategy: Option<Strategy>,
    /// Run it again as a quiet run plus its decisions, and compare
    #[arg(long)]
    pub(super) rewrite: bool,
    /// Explain the failure: what it takes, what led to what, when it became likely. The failure of
    /// a seed is made as small as it can be first
    #[arg(long)]
    pub(super) explain: bool,
    /// Explain the run as it is, with all its steps
    #[arg(long)]
    pub(super) whole: bool,
    /// Write its history there as JSON Lines; - is standard output, instead of the story
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) history: Option<String>,
    /// Print log lines of this level instead of the story, each with its virtual time and machine:
    /// warn has faults and what they do, info all events, debug what machines do
    #[arg(
        long,
        value_name = "LEVEL",
        value_parser = log::wanted,
        conflicts_with_all = ["explain", "format"]
    )]
    pub(super) log: Option<Targets>,
    /// How to report; html, mermaid and perfetto explain a failure
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: ReplayFormat,
    /// Write the report there instead of to the screen
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) output: Option<String>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReplayFormat {
    /// Text for people
    Text,
    /// One JSON object
    Json,
    /// A page that explains the failure, in one file
    Html,
    /// A sequence diagram of what led to the failure, for pull requests
    Mermaid,
    /// A trace for <https://ui.perfetto.dev>
    Perfetto,
}

impl ReplayFormat {
    /// Whether only explanations come in it.
    pub(super) const fn explains(self) -> bool {
        matches!(self, Self::Html | Self::Mermaid | Self::Perfetto)
    }
}

#[derive(Debug, Args)]
pub(super) struct ShrinkArguments {
    /// A scenario from `postulate list`, the path of a TOML file, or that of a failure file, which
    /// ends in .json
    #[arg(value_name = "SCENARIO|FILE", value_hint = ValueHint::AnyPath)]
    pub(super) target: String,
    /// The seed that fails; a failure file has its own schedule
    #[arg(long, env = "POSTULATE_SEED")]
    pub(super) seed: Option<Seed>,
    /// The scenario to shrink a failure file in, instead of the one that it names
    #[arg(long, conflicts_with = "save", value_hint = ValueHint::AnyPath)]
    pub(super) scenario: Option<String>,
    /// Write the failure file again if its failure gets smaller
    #[arg(long)]
    pub(super) save: bool,
    /// In which order it handles what is due close together: mix (the seed draws one), time, pct,
    /// pos or walk
    /// [default: mix]
    #[arg(long)]
    pub(super) strategy: Option<Strategy>,
    /// How many runs may be made for each failure
    #[arg(long, value_name = "N", default_value = "20000", value_parser = positive)]
    pub(super) budget: NonZeroU64,
    /// How many failures of a scenario to shrink: that of the seed, and of the next seeds that fail
    /// [default: 1]
    #[arg(long, value_name = "K")]
    pub(super) seeds: Option<NonZeroU32>,
    /// How to report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Histories, such as `postulate replay --history` writes; - is standard input
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) histories: Vec<String>,
    /// The scenario whose promises judge them: from `postulate list`, or the path of a TOML file
    #[arg(long, value_hint = ValueHint::AnyPath, required_unless_present = "promises")]
    pub(super) scenario: Option<String>,
    /// What judges them instead of a scenario: promises such as exactly-once or per-key-order,
    /// several with commas between; or fifo or register alone, which judge calls
    #[arg(
        long = "promise",
        value_name = "PROMISE",
        value_delimiter = ',',
        value_parser = promise,
        conflicts_with = "scenario"
    )]
    pub(super) promises: Vec<Asked>,
    /// The numbers of the sinks that the promises are about
    #[arg(long = "sink", value_name = "N", value_delimiter = ',', conflicts_with = "scenario")]
    pub(super) sinks: Vec<u16>,
    /// The numbers of the groups that the promises are about
    #[arg(long = "group", value_name = "N", value_delimiter = ',', conflicts_with = "scenario")]
    pub(super) groups: Vec<u16>,
    /// What the files are written in. The effects of Jepsen's histories are at sink 0
    #[arg(long, value_name = "FORMAT", default_value = "json-lines")]
    pub(super) from: Recording,
    /// What registers hold at first [default: nothing]
    #[arg(long, value_name = "VALUE", conflicts_with = "scenario")]
    pub(super) initial: Option<u64>,
    /// How many steps the search for an order may take, for the queue or each register
    /// [default: 100000000]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(super) steps: Option<NonZeroU64>,
    /// How many bytes the search may remember, for the queue or each register [default: 1000000000]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(super) memory: Option<NonZeroU64>,
    /// How to report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: CheckFormat,
    /// Write the report there, and to the screen only the verdict; - is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) output: Option<String>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// Text for people
    Human,
    /// One JSON object
    Json,
    /// A page that draws what shows the verdict, in one file
    Html,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Recording {
    /// One operation a line in JSON
    JsonLines,
    /// A Jepsen history, in EDN or JSON, of enqueue, dequeue and drain
    JepsenQueue,
    /// A Jepsen history, in EDN or JSON, of add and read
    JepsenSet,
    /// A Jepsen history, in EDN or JSON, of read, write and cas
    JepsenRegister,
    /// A Jepsen history, in EDN or JSON, of send, poll and txn, with assign and subscribe
    JepsenKafka,
}

/// What is asked of a history.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Whether it keeps a promise.
    Promise(PromiseName),
    /// Whether its calls are those of a queue, first in, first out.
    Fifo,
    /// Whether its calls are those of registers.
    Register,
}

impl fmt::Display for Asked {
    /// As the command line spells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promise(name) => name.fmt(f),
            Self::Fifo => f.write_str("fifo"),
            Self::Register => f.write_str("register"),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct ZooArguments {
    /// Names or numbers of specimens [default: all]
    #[arg(value_name = "ID")]
    pub(super) specimens: Vec<String>,
    /// Show the line in which each differs from its twin
    #[arg(long)]
    pub(super) diff: bool,
    /// Put every claim about each to the test: its twin, its triggers, its witness
    #[arg(long)]
    pub(super) verify: bool,
    /// Search for each from many seeds, and tell after how many schedules it was found and how
    /// small its failures get
    #[arg(long)]
    pub(super) measure: bool,
    /// What to search with: mix, time, pct, pos or walk under the swarm; or baseline: fixed rates
    /// and one crash
    #[arg(long, default_value_t)]
    pub(super) strategy: Approach,
    /// How many searches for each
    #[arg(long, value_name = "N", default_value = "31")]
    pub(super) trials: NonZeroU32,
    /// After how many schedules to give a search up
    #[arg(long, value_name = "N", default_value = "20000", value_parser = positive)]
    pub(super) cap: NonZeroU64,
    /// How many threads to use [default: one a core]
    #[arg(long, value_name = "J", env = "POSTULATE_JOBS")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// How to report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct MatrixArguments {
    /// Methods, the rows [default: all]
    #[arg(value_name = "METHOD")]
    pub(super) methods: Vec<String>,
    /// Columns: none, a class of faults, or all of them together [default: every column]
    #[arg(long = "fault", value_name = "FAULT")]
    pub(super) faults: Vec<String>,
    /// How many schedules to run for each cell
    #[arg(
        long,
        value_name = "N",
        env = "POSTULATE_SCHEDULES",
        default_value = "10000",
        value_parser = positive
    )]
    pub(super) schedules: NonZeroU64,
    /// How many threads to use [default: one a core]
    #[arg(long, value_name = "J", env = "POSTULATE_JOBS")]
    pub(super) jobs: Option<NonZeroUsize>,
    /// How to report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(super) format: MatrixFormat,
    /// Write the report there, and to the screen only the verdict; - is standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) output: Option<String>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum MatrixFormat {
    /// Text for people
    Human,
    /// One JSON array of cells
    Json,
    /// A page whose violated cells open as explained failures, in one file
    Html,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    pub(super) shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Write there, as files, the page and one more for each command
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) dir: Option<String>,
}

fn positive(text: &str) -> Result<NonZeroU64, String> {
    NonZeroU64::new(count(text)?).ok_or_else(|| "write a number from 1 on".to_owned())
}

fn promise(text: &str) -> Result<Asked, String> {
    let name: StrDeserializer<'_, value::Error> = text.into_deserializer();
    match text {
        "fifo" => Ok(Asked::Fifo),
        "register" => Ok(Asked::Register),
        _ => PromiseName::deserialize(name)
            .map(Asked::Promise)
            .map_err(|error| format!("{error}, or `fifo` or `register`")),
    }
}

fn count(text: &str) -> Result<u64, String> {
    text.replace('_', "")
        .parse()
        .map_err(|_| "write a number such as 300000 or 1_000_000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
