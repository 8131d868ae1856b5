//! Any text as a history that Jepsen has recorded.

use postulate::check::strong::{Budget, Register, judge_queue, judge_registers};
use postulate::check::{Promise, Verdict, judge};
use postulate::history::History;
use postulate::history::calls::Calls;
use postulate::history::jepsen::{CallReader, Reader, Workload};
use postulate::history::lines::{self, LineError};
use postulate::id::SinkId;

/// What a search may take.
const BUDGET: Budget = Budget { steps: 10_000, bytes: 1 << 20 };

/// Reads `bytes` as a history of every workload. One that is refused has to be refused in one of
/// its lines; one that is accepted is a history like those in JSON Lines, and judged.
///
/// # Panics
/// If a refusal names no line of the text, if what was read is no history once it is written, or if
/// a verdict on calls shows no call.
pub fn try_out(bytes: &[u8]) {
    for workload in [Workload::Queue, Workload::Set, Workload::Kafka] {
        let Some(history) = accepted(bytes, read(bytes, workload)) else { continue };
        let mut written = Vec::new();
        lines::write(&history, &mut written).expect("memory takes it");
        let again = lines::read(&written[..]).expect("it was written by this crate");
        assert_eq!(again, history, "{}", String::from_utf8_lossy(&written));
        let promises = [
            Promise::ExactlyOnce { sinks: vec![SinkId(0)] },
            Promise::AtLeastOnce { sinks: Vec::new() },
            Promise::IdempotentProducer,
            Promise::PerKeyOrder,
            Promise::DurableLog { retention: None, compacted: false },
        ];
        let _ = judge(&history, &promises);
    }
    if let Some(queues) = accepted(bytes, calls(CallReader::queue(bytes))) {
        let judged = judge_queue(&queues[0], BUDGET);
        assert_eq!(is_violated(&judged.verdict), !judged.shown.is_empty(), "{judged:?}");
    }
    if let Some(registers) = accepted(bytes, calls(CallReader::registers(bytes))) {
        let judged = judge_registers(&registers, &Register::default(), BUDGET);
        assert_eq!(is_violated(&judged.verdict), !judged.shown.is_empty(), "{judged:?}");
    }
}

fn is_violated(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Violated(_))
}

fn read(bytes: &[u8], workload: Workload) -> Result<History, LineError> {
    let mut reader = Reader::new(bytes, workload);
    let mut history = History::default();
    while let Some(operation) = reader.read()? {
        history.push(operation);
    }
    Ok(history)
}

fn calls<A: Copy + PartialEq>(
    mut reader: CallReader<&[u8], A>,
) -> Result<Vec<Calls<A>>, LineError> {
    while reader.read()? {}
    Ok(reader.finish())
}

/// What was read; nothing if it was refused in one of its lines.
fn accepted<T>(bytes: &[u8], read: Result<T, LineError>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(error) => {
            let lines = bytes.split(|&byte| byte == b'\n').count();
            assert!((1..=lines).contains(&error.line()), "there is no such line: {error}");
            None
        }
    }
}
