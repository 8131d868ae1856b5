//! Whether a sweep put anything to the test.

use super::Doubt;
use super::tally::Tally;
use crate::profile::{Envelope, FaultClass, Profile, Swarm};

/// The faults that runs in these surroundings may meet.
pub(super) fn faults(profile: &Profile) -> Envelope {
    match profile.swarm {
        Swarm::On => profile.envelope,
        Swarm::Off => {
            let links = || profile.links.iter().map(|rule| &rule.link).chain([&profile.link]);
            let stated = [
                (FaultClass::Loss, links().any(|link| !link.loss.is_never())),
                (FaultClass::Duplicate, links().any(|link| !link.duplicate.is_never())),
                (FaultClass::Corrupt, links().any(|link| !link.corrupt.is_never())),
            ];
            stated.into_iter().filter_map(|(class, is_stated)| is_stated.then_some(class)).collect()
        }
    }
}

/// What keeps a sweep from holding although nothing failed.
pub(super) fn doubts(tally: &Tally, faults: Envelope) -> Vec<Doubt> {
    if tally.schedules == 0 {
        return vec![Doubt::NoRun];
    }
    let bit = FaultClass::ALL.iter().any(|&class| tally.bites(class).times > 0);
    [
        (tally.acknowledged == 0, Doubt::NothingAcknowledged),
        (tally.delivered == 0, Doubt::NothingDelivered),
        (tally.ends.settled == 0, Doubt::NothingSettled),
        (faults != Envelope::CALM && !bit, Doubt::NothingBit),
        (tally.unknown.saturating_mul(1_000) > tally.schedules, Doubt::TooManyUnknown),
    ]
    .into_iter()
    .filter_map(|(applies, doubt)| applies.then_some(doubt))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Link, LinkRule};
    use crate::seed::Ratio;

    #[test]
    fn without_swarm_only_stated_rates_can_bite() {
        let envelope = Envelope::CALM.with(FaultClass::Crash).with(FaultClass::Loss);
        let swarm = Profile { envelope, ..Profile::default() };
        assert_eq!(faults(&swarm), envelope);
        let calm = Profile { swarm: Swarm::Off, ..swarm };
        assert_eq!(faults(&calm), Envelope::CALM);
        let link = Link { duplicate: Ratio::new(1, 20).unwrap(), ..Link::default() };
        let links = vec![LinkRule { from: None, to: None, link }];
        let stated = Profile { links, ..calm };
        assert_eq!(faults(&stated), Envelope::CALM.with(FaultClass::Duplicate));
    }
}
