//! What a run says to `tracing`, as lines that are each stamped with virtual time and machine.

use super::progress::HUNG_AFTER_TICKS;
use crate::explore::{Hung, Watch, with_worker};
use crate::report::Paint;
use crate::run::{Examined, Inspection, Subject};
use crate::schedule::Schedule;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// The width of the column for the time.
const TIME: usize = 11;

/// Runs `schedule` and writes down what is said while it runs, of that what is `wanted`. A run that
/// hangs has said something too.
pub(super) fn inspect(
    subject: &Arc<dyn Subject>,
    schedule: &Schedule,
    wanted: &Targets,
    paint: Paint,
    watch: &Arc<dyn Watch>,
) -> (String, Result<Inspection, Hung>) {
    let names = subject.machines().iter().map(|machine| machine.name.chars().count());
    // Room for a machine that was started again.
    let width = names.max().unwrap_or(0) + 2;
    let text = Arc::new(Mutex::new(String::new()));
    let lines = Lines { text: Arc::clone(&text), wanted: wanted.clone(), width, paint };
    let schedule = schedule.clone();
    let end = with_worker(subject, HUNG_AFTER_TICKS, watch, move |worker| {
        let subscriber = Registry::default().with(lines);
        tracing::subscriber::with_default(subscriber, || worker.examine(&schedule))
    });
    let text = text.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (text, end.map(|Examined { inspection, .. }| inspection))
}

/// What is wanted: a level, or levels of targets.
pub(super) fn wanted(text: &str) -> Result<Targets, String> {
    let is_known = |part: &str| match part.split_once('=') {
        Some((target, level)) => !target.is_empty() && level.parse::<LevelFilter>().is_ok(),
        None => part.parse::<LevelFilter>().is_ok(),
    };
    let targets = text.parse().ok().filter(|_| text.split(',').all(is_known));
    targets.ok_or_else(|| {
        "write warn, info or debug, or levels of targets: postulate=warn,shop=debug".to_owned()
    })
}

/// Writes a line for each event.
struct Lines {
    text: Arc<Mutex<String>>,
    /// Events alone are held against it: a span has the stamp for all of them.
    wanted: Targets,
    width: usize,
    paint: Paint,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut stamp = Stamp::default();
        attributes.record(&mut stamp);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(stamp);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        if !self.wanted.would_enable(metadata.target(), metadata.level()) {
            return;
        }
        let spans = context.event_scope(event).into_iter().flatten();
        let mut stamps = spans.filter_map(|span| span.extensions().get::<Stamp>().cloned());
        let stamp = stamps.find(|stamp| !stamp.at.is_empty()).unwrap_or_default();
        let mut words = Words::default();
        event.record(&mut words);
        let line = self.line(*metadata.level(), &stamp, &words);
        self.text.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
    }
}

impl Lines {
    fn line(&self, level: Level, stamp: &Stamp, words: &Words) -> String {
        let Stamp { at, name, incarnation } = stamp;
        let width = self.width;
        let who = match incarnation {
            0 => name.clone(),
            _ => format!("{name}'{incarnation}"),
        };
        let code = match level {
            Level::ERROR => "1;31",
            Level::WARN => "33",
            Level::INFO => "32",
            _ => "2",
        };
        let level = match self.paint {
            Paint::Plain => format!("{level:<5}"),
            Paint::Ansi => format!("\x1b[{code}m{level:<5}\x1b[0m"),
        };
        format!("{at:>TIME$}  {who:<width$}  {level}  {}{}\n", words.message, words.rest)
    }
}

/// When and where something is said.
#[derive(Clone, Default)]
struct Stamp {
    at: String,
    name: String,
    incarnation: u64,
}

impl Visit for Stamp {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "incarnation" {
            self.incarnation = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "name" {
            value.clone_into(&mut self.name);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "at" {
            self.at = format!("{value:?}");
        }
    }
}

/// What is said.
#[derive(Default)]
struct Words {
    message: String,
    rest: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            // The level and the words say as much.
            "kind" => {}
            name => _ = write!(self.rest, " {name}={value:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_levels_of_targets() {
        for text in ["info", "DEBUG", "off", "postulate=warn", "warn,shop::till=trace"] {
            assert!(wanted(text).is_ok(), "{text}");
        }
        for text in ["", "infos", "shop", "shop=loud", "=info", "info,"] {
            assert!(wanted(text).is_err(), "{text}");
        }
    }
}
