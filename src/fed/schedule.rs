//! Who takes part in a round, with which samples, and when to evaluate: pure functions of the config's seeds and the round's
//! number. No generator lives longer than a call, so a resumed run needs none of their states.

use crate::config::{ZoParticipants, share_of};
use crate::rng::host::{choose, pcg, shuffle, unit};
use crate::split::Split;

/// The clients of a warm-up round, ascending: `participation` of the high-resource clients that hold samples.
pub fn warmup_clients(split: &Split, participation: f64, sampling_seed: u64, round: u32) -> Vec<u32> {
    sample(&holding(split, |high| high), participation, sampling_seed, round)
}

/// The clients of a HeteroFL round, ascending: `participation` of all that hold samples.
pub fn heterofl_clients(split: &Split, participation: f64, sampling_seed: u64, round: u32) -> Vec<u32> {
    sample(&clients_with_samples(split), participation, sampling_seed, round)
}

/// All clients that hold samples, ascending.
pub fn clients_with_samples(split: &Split) -> Vec<u32> {
    holding(split, |_| true)
}

/// The clients that probe in a ZO round, ascending: `participation` of those that `participants` names and that hold samples.
pub fn zo_clients(
    split: &Split,
    participants: ZoParticipants,
    participation: f64,
    sampling_seed: u64,
    round: u32,
) -> Vec<u32> {
    let eligible = match participants {
        ZoParticipants::All => holding(split, |_| true),
        ZoParticipants::High => holding(split, |high| high),
        ZoParticipants::Low | ZoParticipants::HighFirstOrder | ZoParticipants::HighGradient => {
            holding(split, |high| !high)
        }
    };
    sample(&eligible, participation, sampling_seed, round)
}

/// The high-resource clients that go on with backprop in a ZO round, ascending: `participation` of those that hold samples.
pub fn training_clients(split: &Split, participation: f64, sampling_seed: u64, round: u32) -> Vec<u32> {
    draw(&holding(split, |high| high), participation, sampling_seed, &format!("sampling/{round}/high"))
}

/// Those of a round's `sampled` clients that are there: each of the run's `clients` is missing with probability `dropout`, by one draw each
/// from a stream of the round's own, whether it was sampled or not. Where all of them would be missing, the one with the largest draw stays:
/// a round has a client.
pub fn present(sampled: Vec<u32>, dropout: f64, clients: usize, sampling_seed: u64, round: u32) -> Vec<u32> {
    if dropout == 0.0 {
        return sampled;
    }
    let mut rng = pcg(sampling_seed, &format!("dropout/{round}"));
    let draws: Vec<f64> = (0..clients).map(|_| unit(&mut rng)).collect();
    let draw = |client: u32| draws.get(client as usize).copied().unwrap_or(1.0);
    let there: Vec<u32> = sampled.iter().copied().filter(|&client| draw(client) > dropout).collect();
    if there.is_empty() {
        return sampled.into_iter().max_by(|&a, &b| draw(a).total_cmp(&draw(b)).then(b.cmp(&a))).into_iter().collect();
    }
    there
}

/// The clients of a kind that hold at least one sample, ascending.
fn holding(split: &Split, kind: fn(bool) -> bool) -> Vec<u32> {
    let clients = split.clients.iter().zip(&split.high).enumerate();
    clients.filter(|(_, (indices, high))| !indices.is_empty() && kind(**high)).map(|(c, _)| c as u32).collect()
}

/// A share of the clients, rounded half up and at least one, drawn without replacement from the round's own stream.
fn sample(eligible: &[u32], participation: f64, sampling_seed: u64, round: u32) -> Vec<u32> {
    draw(eligible, participation, sampling_seed, &format!("sampling/{round}"))
}

fn draw(eligible: &[u32], participation: f64, sampling_seed: u64, purpose: &str) -> Vec<u32> {
    let all = eligible.len() as u32;
    let take = share_of(participation, all).min(all);
    let mut rng = pcg(sampling_seed, purpose);
    choose(&mut rng, all, take).into_iter().map(|i| eligible[i as usize]).collect()
}

/// The batches of a client's local epochs in a round: its samples in an order of their own each epoch, drawn by the `shuffle`
/// seed, cut into batches of `batch`; the last one of an epoch may be smaller.
pub fn local_batches(
    indices: &[u32],
    epochs: u32,
    batch: u32,
    shuffle_seed: u64,
    round: u32,
    client: u32,
) -> Vec<Vec<u32>> {
    let mut batches = Vec::new();
    for epoch in 0..epochs {
        let mut order = indices.to_vec();
        shuffle(&mut pcg(shuffle_seed, &format!("shuffle/{round}/{client}/{epoch}")), &mut order);
        batches.extend(order.chunks(batch.max(1) as usize).map(<[u32]>::to_vec));
    }
    batches
}

/// Whether the weights are evaluated after a round (absolute): every `every` rounds counted from the start of the run, at the
/// pivot (after the last of `warmup` rounds) and after the last of all `total` rounds.
pub fn evaluates(round: u32, warmup: u32, total: u32, every: u32) -> bool {
    let done = round.saturating_add(1);
    done == warmup || done == total || done.is_multiple_of(every.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(sizes: &[u32], high: &[bool]) -> Split {
        let mut next = 0;
        let clients = sizes
            .iter()
            .map(|&n| {
                next += n;
                (next - n..next).collect()
            })
            .collect();
        let histograms = sizes.iter().map(|&n| vec![n]).collect();
        Split { classes: 1, clients, high: high.to_vec(), histograms, leftover: Vec::new(), test: None }
    }

    #[test]
    fn clients_without_samples_are_left_out() {
        let some = split(&[5, 0, 7, 3, 9, 0], &[true, true, false, false, true, false]);
        assert_eq!(warmup_clients(&some, 1.0, 1, 0), [0, 4]);
        assert_eq!(heterofl_clients(&some, 1.0, 1, 0), [0, 2, 3, 4]);
        assert_eq!(zo_clients(&some, ZoParticipants::All, 1.0, 1, 0), [0, 2, 3, 4]);
        assert_eq!(zo_clients(&some, ZoParticipants::Low, 1.0, 1, 0), [2, 3]);
        let nobody = split(&[0, 0], &[true, false]);
        assert!(warmup_clients(&nobody, 1.0, 1, 0).is_empty());
    }

    #[test]
    fn participation_is_rounded_half_up_and_at_least_one() {
        let ten = split(&[1; 10], &[false; 10]);
        for (share, count) in [(1.0, 10), (0.25, 3), (0.24, 2), (0.01, 1)] {
            assert_eq!(zo_clients(&ten, ZoParticipants::All, share, 3, 7).len(), count, "{share}");
        }
    }

    #[test]
    fn rounds_draw_different_clients_and_repeat() {
        let fifty = split(&[1; 50], &[false; 50]);
        let draw = |seed, round| zo_clients(&fifty, ZoParticipants::Low, 0.2, seed, round);
        assert_eq!(draw(1, 5), draw(1, 5));
        assert_ne!(draw(1, 5), draw(1, 6));
        assert_ne!(draw(1, 5), draw(2, 5));
        assert!(draw(1, 5).is_sorted());
        // 200 rounds of 10 of 50: each client 40 times on average, standard deviation 5.7; five of them.
        let mut counts = [0; 50];
        (0..200).flat_map(|round| draw(1, round)).for_each(|c| counts[c as usize] += 1);
        assert!(counts.iter().all(|c| (12..=68).contains(c)), "{counts:?}");
    }

    #[test]
    fn clients_drop_out_by_draws_of_their_own() {
        let all: Vec<u32> = (0..40).collect();
        let of = |sampled: &[u32], dropout, round| present(sampled.to_vec(), dropout, 40, 7, round);
        assert_eq!(of(&all, 0.0, 3), all);
        // Who is there doesn't depend on who else was sampled, and more are missing at a higher probability.
        let there = of(&all, 0.4, 3);
        let odd: Vec<u32> = all.iter().copied().filter(|c| c % 2 == 1).collect();
        assert_eq!(of(&odd, 0.4, 3), there.iter().copied().filter(|c| c % 2 == 1).collect::<Vec<_>>());
        assert!(of(&all, 0.7, 3).iter().all(|client| there.contains(client)));
        assert_ne!(of(&all, 0.4, 4), there);
        // 8000 draws of probability 0.4: 3200 missing in the mean, deviation 44; five of them.
        let missing: usize = (0..200).map(|round| 40 - of(&all, 0.4, round).len()).sum();
        assert!((2980..=3420).contains(&missing), "{missing}");
        // Two clients that are almost never there: one always is, the nearest to being so.
        for round in 0..50 {
            let one = of(&[4, 9], 0.999_999, round);
            assert!(one.len() == 1 && one == of(&[4, 9], 0.999_999, round), "{one:?}");
        }
        assert!(of(&[], 0.5, 0).is_empty());
    }

    #[test]
    fn evaluation_rounds() {
        let after: Vec<u32> = (0..12).filter(|&r| evaluates(r, 3, 12, 5)).collect();
        assert_eq!(after, [2, 4, 9, 11]);
        assert!(evaluates(0, 0, 1, 10));
    }

    proptest! {
        #[test]
        fn batches_hold_each_sample_once_an_epoch(n in 1u32..100, batch in 1u32..20, epochs in 1u32..4, round in 0u32..5) {
            let indices: Vec<u32> = (0..n).map(|i| i * 3).collect();
            let batches = local_batches(&indices, epochs, batch, 9, round, 4);
            let per_epoch = n.div_ceil(batch) as usize;
            prop_assert_eq!(batches.len(), per_epoch * epochs as usize);
            for epoch in batches.chunks(per_epoch) {
                prop_assert!(epoch[..per_epoch - 1].iter().all(|b| b.len() == batch as usize));
                let mut seen = epoch.concat();
                seen.sort_unstable();
                prop_assert_eq!(&seen, &indices);
            }
        }
    }

    #[test]
    fn epochs_clients_and_rounds_shuffle_differently() {
        let indices: Vec<u32> = (0..40).collect();
        let of = |round, client| local_batches(&indices, 2, 40, 9, round, client);
        assert_eq!(of(1, 2), of(1, 2));
        assert_ne!(of(1, 2)[0], of(1, 2)[1]);
        assert_ne!(of(1, 2)[0], of(1, 3)[0]);
        assert_ne!(of(1, 2)[0], of(2, 2)[0]);
    }
}
