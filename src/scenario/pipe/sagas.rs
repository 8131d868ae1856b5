//! What a scenario with sagas promises.

use crate::check::{Compensable, Promise};
use crate::model::saga::{SagaSinks, SagaStyle};
use crate::scenario::{PromiseName, SagaSection};

/// What a name promises of orders. That one is acknowledged obliges to close it, and no more: a
/// step that is refused is never taken.
pub(super) fn promises(section: &SagaSection, name: PromiseName) -> Vec<Promise> {
    let sinks = SagaSinks { steps: section.steps.len() as u8 };
    let steps = 0..sinks.steps;
    let taken = steps.clone().map(|step| sinks.does(step));
    let undone = steps.clone().map(|step| sinks.undoes(step));
    let confirmed = steps.clone().map(|step| sinks.confirms(step));
    let [accepted, closed, cancelled] = [sinks.accepted(), sinks.closed(), sinks.cancelled()];
    match name {
        PromiseName::AtMostOnce => vec![Promise::AtMostOnce {
            sinks: taken.chain(undone).chain(confirmed).chain([closed, cancelled]).collect(),
        }],
        PromiseName::ExactlyOnce if section.style == SagaStyle::Chain => {
            vec![Promise::ExactlyOnce { sinks: taken.chain([closed]).collect() }]
        }
        PromiseName::ExactlyOnce => {
            let mut promises = promises(section, PromiseName::AtMostOnce);
            promises.push(Promise::AtLeastOnce { sinks: vec![closed] });
            promises
        }
        // The order itself is the first of its steps, and that it is closed the last one: neither
        // is it forgotten, nor is anybody told in vain that it was carried out.
        PromiseName::Compensated => {
            let is_tcc = section.style == SagaStyle::Tcc;
            let confirmed = confirmed.filter(|_| is_tcc).map(|does| (does, sinks.revokes()));
            let steps = [(accepted, cancelled)].into_iter().chain(taken.zip(undone));
            let steps = steps.chain(confirmed).chain([(closed, cancelled)]);
            let steps = steps.map(|(does, undoes)| Compensable { does, undoes }).collect();
            vec![Promise::Compensated { steps }]
        }
        // A scenario that promises anything else of sagas is refused.
        _ => Vec::new(),
    }
}
