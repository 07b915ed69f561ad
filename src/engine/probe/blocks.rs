//! Blocks: consecutive probes whose losses and tables lie in memory at once. A block begins and ends anywhere among a client's probes.

use super::settings::{Run, Sides};
use crate::engine::EngineError;
use crate::engine::counts::at_most;

/// Bytes of a probe's entries in the tables of probes and results.
const PROBE_BYTES: u64 = 24;

/// What a block of probes may take.
#[derive(Clone, Copy, Debug)]
pub struct BlockLimits {
    /// Losses.
    pub rows: u64,
    /// Probes.
    pub probes: u64,
    /// Bytes of losses and tables.
    pub bytes: u64,
    /// Bytes of a lane in the tables of lanes.
    pub lane: u64,
    /// Bytes of the parts of a probe's sums.
    pub parts: u64,
    /// Rows of a piece of a client's samples.
    pub piece: u32,
    /// Whether a client's plain losses are computed once for all its probes of a block.
    pub sides: Sides,
}

impl BlockLimits {
    /// Losses of a probe of a client of `samples` samples, and those that all its probes of a block share.
    fn losses(&self, samples: u64) -> (u64, u64) {
        match self.sides {
            Sides::Two => (2 * samples, 0),
            Sides::One => (samples, samples),
        }
    }

    /// Bytes of so many losses (with flags alike) of a client of `samples` samples, with their lanes.
    fn bytes_of(&self, losses: u64, samples: u64) -> u64 {
        let lanes = losses / samples.max(1) * samples.div_ceil(u64::from(self.piece.max(1)));
        8 * losses + lanes * self.lane
    }
}

/// The runs of a round in blocks: parts of one client or of several that follow each other.
///
/// # Errors
/// A client whose losses of a single probe are more than a block may have.
pub fn blocks<'a>(clients: &[Run<'a>], limits: &BlockLimits) -> Result<Vec<Vec<Run<'a>>>, EngineError> {
    let (mut blocks, mut block, mut left) = (Vec::new(), Vec::new(), *limits);
    for client in clients {
        let samples = client.indices.len() as u64;
        let (losses, shared) = limits.losses(samples);
        at_most(losses + shared, limits.rows, "losses of a probe, two a sample of its client", "split.clients")?;
        let bytes = limits.bytes_of(losses, samples) + PROBE_BYTES + limits.parts;
        let shared_bytes = limits.bytes_of(shared, samples);
        let mut directions = client.directions;
        while !directions.is_empty() {
            let fit = (left.rows.saturating_sub(shared) / losses.max(1))
                .min(left.probes)
                .min(left.bytes.saturating_sub(shared_bytes) / bytes)
                .min(directions.len() as u64);
            // A block holds at least one probe, whatever it takes.
            let take = if fit == 0 && block.is_empty() { 1 } else { fit };
            let (these, rest) = directions.split_at(take as usize);
            if take > 0 {
                block.push(Run { directions: these, ..*client });
                left.rows = left.rows.saturating_sub(take * losses + shared);
                left.probes = left.probes.saturating_sub(take);
                left.bytes = left.bytes.saturating_sub(take * bytes + shared_bytes);
            }
            if !rest.is_empty() {
                blocks.push(std::mem::take(&mut block));
                left = *limits;
            }
            directions = rest;
        }
    }
    if !block.is_empty() {
        blocks.push(block);
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::super::settings::Direction;
    use super::*;
    use proptest::prelude::*;

    fn run<'a>(indices: &'a [u32], directions: &'a [Direction]) -> Run<'a> {
        Run { indices, directions, weight_base: 0 }
    }

    proptest! {
        #[test]
        fn blocks_hold_all_probes_in_order_within_the_limits(
            sizes in prop::collection::vec((1usize..9, 0usize..20), 0..9),
            rows in 16u64..60,
            probes in 1u64..12,
            bytes in 1u64..3000,
            one in any::<bool>(),
        ) {
            let indices = [0; 9];
            let directions: Vec<Direction> = (0..20).map(|seed| Direction { seed, coefficient: 1.0 }).collect();
            let clients: Vec<Run<'_>> = sizes.iter().map(|&(n, s)| run(&indices[..n], &directions[..s])).collect();
            let sides = if one { Sides::One } else { Sides::Two };
            let limits = BlockLimits { rows, probes, bytes, lane: 32, parts: 0, piece: 3, sides };
            let blocks = blocks(&clients, &limits).unwrap();
            let evaluations = |c: &Run<'_>| sides.evaluations(c.directions.len() as u64);
            let losses = |c: &Run<'_>| evaluations(c) * c.indices.len() as u64;
            let cost = |c: &Run<'_>| {
                let lanes = evaluations(c) * c.indices.len().div_ceil(3) as u64;
                8 * losses(c) + 32 * lanes + PROBE_BYTES * c.directions.len() as u64
            };
            for block in &blocks {
                let total = |each: &dyn Fn(&Run<'_>) -> u64| block.iter().map(each).sum::<u64>();
                let count = total(&|c| c.directions.len() as u64);
                prop_assert!(count >= 1 && count <= probes);
                prop_assert!(total(&losses) <= rows);
                prop_assert!(count == 1 || total(&cost) <= bytes);
            }
            let flat = |clients: &[Run<'_>]| -> Vec<(usize, u64)> {
                clients.iter().flat_map(|c| c.directions.iter().map(|d| (c.indices.len(), d.seed)).collect::<Vec<_>>()).collect()
            };
            prop_assert_eq!(flat(&blocks.concat()), flat(&clients));
        }
    }

    #[test]
    fn losses_of_a_probe_that_pass_the_limit_are_refused() {
        let (indices, directions) = ([0; 9], [Direction { seed: 1, coefficient: 1.0 }]);
        for sides in [Sides::One, Sides::Two] {
            let limits = BlockLimits { rows: 17, probes: 5, bytes: 1 << 20, lane: 32, parts: 0, piece: 3, sides };
            let error = blocks(&[run(&indices, &directions)], &limits).unwrap_err().to_string();
            assert!(error.contains("18") && error.contains("at most 17"), "{error}");
        }
    }
}
