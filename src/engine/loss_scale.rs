//! The power of two that clients multiply their loss by where gradients are products of f16, so that small slopes are no zeros there and large
//! ones finite (`docs/methods.md`, Products of f16).

use super::NamedValues;
use crate::kernels::lib::scales::WORDS;

/// What clients begin the first round with: a batch of one sample has slopes of at most that at its logits, within an f16's 65,504.
const START: f32 = 32_768.0;

/// The largest.
const MOST: f32 = 16_777_216.0;

/// The least: gradients that are no numbers then are none without a scale.
pub(super) const LEAST: f32 = 1.0 / 16_384.0;

/// Steps without a skipped one after which it is doubled.
const GROWTH: u32 = 2000;

/// A scale that a server keeps, as it keeps the weights: each client begins its steps of a round with it. A client whose gradients are no finite
/// numbers skips the step and goes on with half its scale. After the round the server's is the least of its clients'; it is doubled after 2000
/// local steps in which none was skipped, counted by the client that took most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossScale {
    value: f32,
    /// Steps since the last change.
    good: u32,
    round: Round,
}

/// What has happened since the last round ended.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Round {
    /// Steps of the client that took most.
    steps: u32,
    skipped: u32,
    least: f32,
}

/// What came of a round's steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaledRound {
    /// Steps that clients skipped.
    pub skipped: u32,
    /// The scale that the next round begins with.
    pub scale: f32,
}

impl Default for LossScale {
    fn default() -> Self {
        Self::at(START, 0)
    }
}

impl LossScale {
    /// The name of it among what is saved of a state.
    pub const NAME: &'static str = "loss scale";

    /// Values that are saved of it.
    pub const VALUES: usize = 2;

    fn at(value: f32, good: u32) -> Self {
        Self { value, good, round: Round { steps: 0, skipped: 0, least: value } }
    }

    /// What clients begin with.
    pub fn value(&self) -> f32 {
        self.value
    }

    /// What clients begin with, as kernels have it, so many clients.
    pub(super) fn words(&self, clients: usize) -> Vec<u32> {
        [self.value.to_bits(), 0, 0, 0].repeat(clients)
    }

    /// Notes what clients ended with, the longest after so many steps.
    pub(super) fn note(&mut self, words: &[u32], steps: usize) {
        let round = &mut self.round;
        for client in words.chunks_exact(WORDS) {
            round.least = round.least.min(f32::from_bits(client[0]));
            round.skipped += client[2];
        }
        round.steps = round.steps.max(steps as u32);
    }

    /// Notes what clients of another kind of model ended with, which began with the same.
    pub(super) fn join(&mut self, other: &Self) {
        let (round, theirs) = (&mut self.round, &other.round);
        round.least = round.least.min(theirs.least);
        round.skipped += theirs.skipped;
        round.steps = round.steps.max(theirs.steps);
    }

    /// The round is over.
    pub fn end_round(&mut self) -> ScaledRound {
        let Round { steps, skipped, least } = self.round;
        let good = self.good.saturating_add(steps);
        *self = match skipped {
            0 if good >= GROWTH => Self::at((2.0 * self.value).min(MOST), 0),
            0 => Self::at(self.value, good),
            _ => Self::at(least, 0),
        };
        ScaledRound { skipped, scale: self.value }
    }

    /// As it is saved, between rounds.
    pub(super) fn to_saved(self) -> NamedValues {
        NamedValues { name: Self::NAME.to_owned(), values: vec![self.value, self.good as f32] }
    }

    /// From what was saved; none: it is no such thing.
    pub(super) fn of_saved(values: &[f32]) -> Option<Self> {
        let &[value, good] = values else { return None };
        let is_power = value.is_normal() && value > 0.0 && value.to_bits() & 0x7f_ffff == 0;
        let in_range = is_power && (LEAST..=MOST).contains(&value) && (0.0..=GROWTH as f32).contains(&good);
        (in_range && good.fract() == 0.0).then(|| Self::at(value, good as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(value: f32, skipped: u32) -> [u32; WORDS] {
        [value.to_bits(), 0, skipped, 0]
    }

    #[test]
    fn a_skipped_step_makes_it_the_least_of_the_clients() {
        let mut scale = LossScale::default();
        scale.note(&[client(START, 0), client(START / 4.0, 2)].concat(), 10);
        scale.note(&client(START / 2.0, 1), 12);
        assert_eq!(scale.end_round(), ScaledRound { skipped: 3, scale: START / 4.0 });
        // What was noted is over.
        assert_eq!(scale.end_round(), ScaledRound { skipped: 0, scale: START / 4.0 });
    }

    #[test]
    fn it_is_doubled_after_enough_good_steps_up_to_the_most() {
        let mut scale = LossScale::at(MOST / 2.0, 0);
        let mut round = |steps| {
            let words = client(scale.value(), 0);
            scale.note(&words, steps);
            scale.end_round().scale
        };
        let half = GROWTH as usize / 2;
        assert_eq!(
            [half - 1, half, 1, half, half, half, half].map(&mut round),
            [MOST / 2.0, MOST / 2.0, MOST, MOST, MOST, MOST, MOST]
        );
    }

    #[test]
    fn it_is_saved_whole_and_nothing_else_is_taken_for_it() {
        let mut scale = LossScale::default();
        scale.note(&client(START, 0), 77);
        scale.end_round();
        assert_eq!(LossScale::of_saved(&scale.to_saved().values), Some(scale));
        for wrong in [
            &[START][..],
            &[3.0, 0.0],
            &[-2.0, 0.0],
            &[f32::NAN, 0.0],
            &[START, 0.5],
            &[START, -1.0],
            &[LEAST / 2.0, 0.0],
        ] {
            assert_eq!(LossScale::of_saved(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn two_kinds_of_model_share_it() {
        let mut wide = LossScale::default();
        let mut narrow = wide;
        wide.note(&client(START, 0), 5);
        narrow.note(&client(START / 2.0, 1), 9);
        wide.join(&narrow);
        assert_eq!(wide.end_round(), ScaledRound { skipped: 1, scale: START / 2.0 });
    }
}
