//! Putting one step in the place of several, or of one that is harder to understand.

use super::Stage;
use super::alphabet::{self, Letter, varied};
use super::search::{Search, Step, steps, without};

/// With more steps than this none is put in the place of two.
const AMONG_MAX: usize = 12;

/// With more steps than this none is put in the place of one.
const PLAIN_AMONG_MAX: usize = 6;

/// How many candidates may be tried before steps are left out again.
const TRIES_MAX: u64 = 6_000;

impl Search<'_> {
    /// Puts one step in the place of all, of two, or of a less plain one: a step that is left, at
    /// another place or for longer; one that the failing run took; or the loss or the lateness of a
    /// message, a slow sync, a crash or a pause of a machine that the failure involves.
    pub(super) fn replace_steps(&mut self) {
        self.stage = Stage::Replacements;
        let left = steps(&self.best);
        if left.is_empty() {
            return;
        }
        let letters = self.letters();
        let until = self.runs + TRIES_MAX;
        let _ = (left.len() > 1 && self.replace(&left, &letters, until))
            || self.replace_pairs(&left, &letters, until)
            || self.replace_by_plainer(&left, &letters);
    }

    /// Puts one step in the place of two.
    fn replace_pairs(&mut self, left: &[Step], letters: &[Letter], until: u64) -> bool {
        if !(3..=AMONG_MAX).contains(&left.len()) {
            return false;
        }
        let pairs: Vec<[Step; 2]> = left
            .iter()
            .enumerate()
            .flat_map(|(number, &one)| left[number + 1..].iter().map(move |&other| [one, other]))
            .collect();
        // What is left already, varied, is the likeliest.
        pairs.iter().any(|pair| {
            let varied = pair.iter().flat_map(|&step| varied(&self.best, step)).collect::<Vec<_>>();
            self.replace(pair, &varied, until)
        }) || pairs.iter().any(|pair| self.replace(pair, letters, until))
    }

    fn replace(&mut self, gone: &[Step], letters: &[Letter], until: u64) -> bool {
        let lesser = without(&self.best, gone);
        letters.iter().any(|letter| self.runs < until && self.attempt(letter.joined(&lesser)))
    }

    /// Puts plainer steps in the place of others, each the plainest that will do.
    fn replace_by_plainer(&mut self, left: &[Step], letters: &[Letter]) -> bool {
        if left.len() > PLAIN_AMONG_MAX {
            return false;
        }
        let mut plain: Vec<_> = letters.iter().filter(|letter| letter.is_plain()).collect();
        plain.sort_by_key(|letter| letter.burden());
        left.iter().any(|&step| {
            let burden = Letter::at(&self.best, step).burden();
            let lesser = without(&self.best, &[step]);
            let plainer = plain.iter().take_while(|letter| letter.burden() < burden);
            let mut candidates = plainer.map(|letter| letter.joined(&lesser));
            candidates.any(|candidate| self.attempt(candidate))
        })
    }

    /// What may be put in the place of steps, the plainest last: the run's own steps are surest to
    /// fail in the run's own way.
    fn letters(&mut self) -> Vec<Letter> {
        let own = steps(&self.origin);
        let own = own.into_iter().map(|step| Letter::at(&self.origin, step));
        let mut letters: Vec<Letter> = own.filter(|letter| !letter.is_in(&self.best)).collect();
        let probe = alphabet::probe(&self.best, self.subject.machines().len());
        let Some(unmet) = self.unmet(&probe) else { return letters };
        letters.extend(alphabet::others(&self.best, &probe, &unmet, &self.classes));
        letters
    }
}
