//! Client sizes, and the splits that don't draw class proportions.

use super::dirichlet::log_proportions;
use crate::config::SplitConfig;
use crate::rng::host;
use libm::exp;

/// Shards of a client.
pub(super) const SHARDS: u64 = 2;

/// Number of samples of each client, at least 1 each. Equal sizes, `samples / clients` rounded down, where `size_alpha` is 0;
/// else proportions from a Dirichlet share out all samples: one each, the rest by largest remainder.
pub(super) fn sizes(config: &SplitConfig, samples: u32, seed: u64) -> Vec<u32> {
    let clients = config.clients as usize;
    if config.size_alpha == 0.0 {
        return vec![samples / config.clients; clients];
    }
    let logs = log_proportions(&mut host::pcg(seed, "split/sizes"), config.size_alpha, clients);
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|l| exp(l - largest)).collect();
    let total: f64 = weights.iter().sum();
    let rest = samples - config.clients;
    let exact: Vec<f64> = weights.iter().map(|w| w / total * f64::from(rest)).collect();
    let mut sizes: Vec<u32> = exact.iter().map(|x| 1 + x.floor() as u32).collect();
    let missing = samples.saturating_sub(sizes.iter().sum()) as usize;
    let mut order: Vec<usize> = (0..clients).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    for &client in order.iter().cycle().take(missing) {
        sizes[client] += 1;
    }
    sizes
}

/// A random order cut into pieces of the given sizes.
pub(super) fn iid(samples: u32, sizes: &[u32], seed: u64) -> Vec<Vec<u32>> {
    let mut order: Vec<u32> = (0..samples).collect();
    host::shuffle(&mut host::pcg(seed, "split/pools"), &mut order);
    let mut rest = order.as_slice();
    let mut take = |&size: &u32| {
        let (head, tail) = rest.split_at((size as usize).min(rest.len()));
        rest = tail;
        head.to_vec()
    };
    sizes.iter().map(&mut take).collect()
}

/// Samples in random order, those beyond a multiple of the shards set aside, the others sorted by label and cut into
/// [`SHARDS`] shards a client, dealt at random.
pub(super) fn shards(labels: &[u32], clients: u32, seed: u64) -> Vec<Vec<u32>> {
    let shards = SHARDS as usize * clients as usize;
    let size = labels.len() / shards;
    let mut order: Vec<u32> = (0..labels.len() as u32).collect();
    host::shuffle(&mut host::pcg(seed, "split/pools"), &mut order);
    order.truncate(size * shards);
    order.sort_by_key(|&i| labels[i as usize]);
    let mut deal: Vec<usize> = (0..shards).collect();
    host::shuffle(&mut host::pcg(seed, "split/clients"), &mut deal);
    let shard = |&s: &usize| order[s * size..(s + 1) * size].iter().copied();
    deal.chunks(SHARDS as usize).map(|own| own.iter().flat_map(shard).collect()).collect()
}
