//! What a scenario with sagas promises.

use crate::check::{Compensable, Promise};
use crate::model::saga::{SagaSinks, SagaStyle};
use crate::scenario::{PromiseName, SagaSection};

/// What a name promises of orders: delivery is that of their ends, for a step that is refused is
/// never taken.
pub(super) fn promises(section: &SagaSection, name: PromiseName) -> Vec<Promise> {
    let sinks = SagaSinks { steps: section.steps.len() as u8 };
    let steps = 0..sinks.steps;
    let (taken, closed) = (steps.clone().map(|step| sinks.does(step)), sinks.closed());
    let undone = steps.clone().map(|step| sinks.undoes(step));
    let confirmed = steps.clone().map(|step| sinks.confirms(step));
    let ends = [sinks.completed(), sinks.cancelled()];
    let once = taken.clone().chain(undone).chain(confirmed.clone()).chain(ends).collect();
    let is_chain = section.style == SagaStyle::Chain;
    match name {
        PromiseName::ExactlyOnce if is_chain => {
            vec![Promise::ExactlyOnce { sinks: taken.chain([closed]).collect() }]
        }
        PromiseName::ExactlyOnce => vec![
            Promise::AtMostOnce { sinks: once },
            Promise::ExactlyOnce { sinks: vec![closed] },
        ],
        PromiseName::AtMostOnce => vec![Promise::AtMostOnce { sinks: once }],
        // That an order is carried out counts as a step of it, so that nobody is told so in vain.
        PromiseName::Compensated => {
            let steps = steps.map(|step| (sinks.does(step), sinks.undoes(step)));
            let steps = steps.chain([ends.into()]);
            let steps = steps.map(|(does, undoes)| Compensable { does, undoes }).collect();
            let mut promises = vec![Promise::Compensated { steps }];
            if section.style == SagaStyle::Tcc {
                let sinks = confirmed.chain([sinks.completed()]).collect();
                promises.push(Promise::Atomic { sinks });
            }
            promises
        }
        // A scenario that promises anything else of sagas is refused.
        _ => Vec::new(),
    }
}
