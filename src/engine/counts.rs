//! Counts that kernels and buffers can hold, and batches that batch norms can take statistics of. Kernels count with u32.

use super::EngineError;
use crate::layers::kind;
use crate::model::{Graph, Node};

/// A count as kernels take it.
///
/// # Errors
/// More than u32 holds; `key` is the config's key behind it.
pub(super) fn count(found: usize, what: &'static str, key: &'static str) -> Result<u32, EngineError> {
    at_most(found as u64, u64::from(u32::MAX), what, key).map(|n| n as u32)
}

/// `found` where it is at most `most`.
pub(super) fn at_most(found: u64, most: u64, what: &'static str, key: &'static str) -> Result<u64, EngineError> {
    if found <= most { Ok(found) } else { Err(EngineError::TooMany { what, found, most, key }) }
}

/// Refuses batches of `rows` samples whose statistics a batch norm would take over one value a channel, as PyTorch does.
///
/// # Errors
/// The first such norm by name, and `key`, the config's key behind the number of samples.
pub fn check_batch(graph: &Graph, rows: u32, key: &'static str) -> Result<(), EngineError> {
    let one = |node: &&Node| rows == 1 && kind(&node.layer).batch_norm().is_some_and(|norm| norm.spatial == 1);
    let Some(node) = graph.nodes.iter().find(one) else { return Ok(()) };
    let tensor = graph.tensors_of(node).first().map_or("", |t| t.name.as_str());
    let layer = tensor.strip_suffix(".weight").unwrap_or(tensor).to_owned();
    Err(EngineError::OneValue { layer, rows, key })
}

/// Refuses local steps over clients of these many samples in batches of `batch`, the last of an epoch smaller where it must be, as
/// [`check_batch`] refuses one of their batches.
pub fn check_local_steps(graph: &Graph, clients: &[usize], batch: u32) -> Result<(), EngineError> {
    let batch = batch.max(1) as usize;
    let one = |&samples: &usize| samples > 0 && (batch == 1 || samples % batch == 1);
    if clients.iter().any(one) { check_batch(graph, 1, "warmup.batch") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelSpec;
    use serde_json::json;

    fn resnet(size: usize, norm: &str) -> Graph {
        let table = json!({"kind": "resnet", "input": [1, size, size], "width": 4, "norm": norm, "classes": 3});
        ModelSpec::from_json(&table).unwrap().graph().unwrap()
    }

    #[test]
    fn one_value_a_channel_is_refused_by_name() {
        // Three halvings: 8 pixels a side become 1.
        let error = check_batch(&resnet(8, "batch"), 1, "warmup.batch").unwrap_err().to_string();
        assert!(error.starts_with("layer4.0.bn1: ") && error.contains("warmup.batch"), "{error}");
        assert!(check_batch(&resnet(8, "batch"), 2, "warmup.batch").is_ok());
        assert!(check_batch(&resnet(9, "batch"), 1, "warmup.batch").is_ok());
        assert!(check_batch(&resnet(8, "group"), 1, "warmup.batch").is_ok());
    }

    #[test]
    fn the_last_batch_of_an_epoch_counts() {
        let graph = resnet(8, "batch");
        for (clients, batch, fine) in
            [(&[65, 64][..], 64, false), (&[64, 66, 0], 64, true), (&[2], 1, false), (&[1], 64, false), (&[0], 1, true)]
        {
            assert_eq!(check_local_steps(&graph, clients, batch).is_ok(), fine, "{clients:?} by {batch}");
        }
    }

    #[test]
    fn counts_beyond_u32_are_refused_with_the_key() {
        assert_eq!(count(7, "probes", "zo.probes").unwrap(), 7);
        let error = count(1 << 32, "probes", "zo.probes").unwrap_err().to_string();
        assert!(error.contains("zo.probes") && error.contains("4294967296") && error.contains("4294967295"), "{error}");
    }
}
