//! What the host keeps of the samples that a round's local steps draw: a list of them a batch, bounded before the first round.

use super::error::FedError;
use super::experiment::Experiment;

/// Bytes of all lists of a round, at most: half a billion samples.
const MOST_BYTES: u64 = 2 << 30;
/// Bytes of a list without its samples, and of a sample in it.
const LIST: u64 = 64;
const SAMPLE: u64 = 4;

/// Refuses lists of `samples` samples in `batches` batches; `key` has `value` and makes them so many.
fn check(key: &str, value: u32, samples: u64, batches: u64) -> Result<(), FedError> {
    let bytes = samples.saturating_mul(SAMPLE).saturating_add(batches.saturating_mul(LIST));
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(FedError::Refused(format!(
        "{key} = {value}: expected less: the local steps of a round would draw {samples} samples in {batches} batches, a list of {bytes} bytes, of \
         which at most {MOST_BYTES} are kept"
    )))
}

/// The largest `most` of some clients' numbers of samples.
fn largest(experiment: &Experiment, clients: impl Iterator<Item = usize>, most: usize) -> Vec<u64> {
    let mut sizes: Vec<u64> = clients.map(|client| experiment.split.clients[client].len() as u64).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.truncate(most);
    sizes
}

/// Local epochs of `most` of the clients that train: the high-resource ones, or all.
pub fn check_epochs(experiment: &Experiment, high_only: bool, most: usize) -> Result<(), FedError> {
    let warmup = &experiment.config.warmup;
    let trains = |client: &usize| !high_only || experiment.split.high[*client];
    let sizes = largest(experiment, (0..experiment.split.clients.len()).filter(trains), most);
    let epochs = u64::from(warmup.local_epochs);
    let samples = sizes.iter().fold(0u64, |sum, n| sum.saturating_add(n.saturating_mul(epochs)));
    let batch = u64::from(warmup.batch.max(1));
    let batches = sizes.iter().fold(0u64, |sum, n| sum.saturating_add(n.div_ceil(batch).saturating_mul(epochs)));
    check("warmup.local_epochs", warmup.local_epochs, samples, batches)
}

/// Zeroth-order local steps of `clients` clients on batches of a fixed size; on parts of their own samples there is nothing to bound.
pub fn check_steps(experiment: &Experiment, clients: usize) -> Result<(), FedError> {
    let zo = &experiment.config.zo;
    let batches = u64::from(zo.local_steps).saturating_mul(clients as u64);
    check("zo.batch", zo.batch, batches.saturating_mul(u64::from(zo.batch)), batches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn experiment(sets: &[&str]) -> Experiment {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Experiment::prepare(&Config::load(None, &sets).unwrap()).unwrap()
    }

    #[test]
    fn lists_are_bounded_by_their_key() {
        // Two high-resource clients of 71 samples: 1000 epochs of them are little.
        assert!(check_epochs(&experiment(&["warmup.local_epochs=1000", "warmup.batch=1"]), true, 2).is_ok());
        let steps = |sets: &[&str], clients| check_steps(&experiment(sets), clients).map_err(|e| e.to_string());
        assert_eq!(steps(&["zo.local_steps=1000", "zo.batch=20000", "zo.probes=1"], 20), Ok(()));
        let text = steps(&["zo.local_steps=100000", "zo.batch=1000000", "zo.probes=1"], 20).unwrap_err();
        assert!(text.starts_with("zo.batch = 1000000: ") && text.contains("2000000000000 samples"), "{text}");
        assert!(check("zo.batch", u32::MAX, u64::MAX, u64::MAX).is_err());
    }
}
