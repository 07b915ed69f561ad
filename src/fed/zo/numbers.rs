//! What clients send of their probes, and the entries that the server makes of it (methods.md, Uplink, Shared seeds, FZOO).

use half::f16;

use super::plan::{Plan, Prober};
use crate::config::{Uplink, ZoConfig};
use crate::engine::ProbeResult;
use crate::ledger::{EVERYONE, Entry};

/// What a step of a client gave: one number a probe, `None` where it isn't finite (or, on a device that only plans, isn't there).
fn differences(zo: &ZoConfig, results: &[ProbeResult]) -> Vec<Option<f32>> {
    let finite = |p: usize| results.get(p).map(|r| r.dl).filter(|dl| dl.is_finite());
    (0..zo.probes as usize).map(finite).collect()
}

/// A client's entries of one of its steps, as its own step takes them: `weight` 1/S.
pub fn own_entries(zo: &ZoConfig, prober: &Prober, step: usize, results: &[ProbeResult]) -> Vec<Entry> {
    let weight = 1.0 / f64::from(zo.probes);
    entries(zo, prober.client, weight, prober, step, &differences(zo, results))
}

fn entries(zo: &ZoConfig, client: u32, weight: f64, of: &Prober, step: usize, dl: &[Option<f32>]) -> Vec<Entry> {
    let draws = &of.draws[step * zo.probes as usize..];
    let entry = |(draw, dl): (&super::plan::Draw, &Option<f32>)| Entry {
        client,
        step: (zo.local_steps > 1).then_some(step as u32),
        k: draw.k,
        seed: draw.seed,
        weight,
        dl: *dl,
        q: None,
    };
    draws.iter().zip(dl).map(entry).collect()
}

/// The entries of a round, in the ledger's order: clients ascending, then steps and probes; with shared seeds one for all clients.
/// `results` has those of each step of each client that probes.
pub fn round_entries(zo: &ZoConfig, plan: &Plan, results: &[Vec<Vec<ProbeResult>>]) -> Vec<Entry> {
    let probes = f64::from(zo.probes);
    let of_step = |client: usize, step: usize| {
        let results = results.get(client).and_then(|steps| steps.get(step));
        received(zo, &differences(zo, results.map_or(&[], Vec::as_slice)))
    };
    let of_client = |client: usize| (0..zo.local_steps as usize).map(|step| of_step(client, step)).collect();
    let sent: Vec<Vec<Vec<Option<f32>>>> = (0..plan.probers.len()).map(of_client).collect();
    if !zo.shared_seeds {
        let of = |(prober, steps): (&Prober, &Vec<Vec<Option<f32>>>)| -> Vec<Entry> {
            let step =
                |(i, dl): (usize, &Vec<Option<f32>>)| entries(zo, prober.client, prober.share / probes, prober, i, dl);
            steps.iter().enumerate().flat_map(step).collect()
        };
        return plan.probers.iter().zip(&sent).flat_map(of).collect();
    }
    let Some(first) = plan.probers.first() else { return Vec::new() };
    let joined = |step: usize, p: usize| {
        let numbers =
            plan.probers.iter().zip(&sent).filter_map(|(prober, steps)| Some((prober.share, steps[step][p]?)));
        join(zo, numbers)
    };
    let of = |step: usize| {
        let dl: Vec<Option<f32>> = (0..zo.probes as usize).map(|p| joined(step, p)).collect();
        entries(zo, EVERYONE, 1.0 / probes, first, step, &dl)
    };
    (0..zo.local_steps as usize).flat_map(of).collect()
}

/// What the server has of a client's numbers.
fn received(zo: &ZoConfig, dl: &[Option<f32>]) -> Vec<Option<f32>> {
    match zo.uplink {
        Uplink::F32 | Uplink::Sign | Uplink::Weights => dl.to_vec(),
        Uplink::F16 => {
            let apart = f64::from(zo.sides) * zo.epsilon;
            dl.iter().map(|dl| dl.map(|dl| (rounded(f64::from(dl) / apart) * apart) as f32)).collect()
        }
    }
}

/// The nearest f16, the largest one for what lies beyond it.
fn rounded(slope: f64) -> f64 {
    let most = f16::MAX.to_f64();
    f16::from_f64(slope.clamp(-most, most)).to_f64()
}

/// One number of all clients' (share, number): the weighted mean, or the sign that most of them have; none where none is finite.
fn join(zo: &ZoConfig, numbers: impl Iterator<Item = (f64, f32)>) -> Option<f32> {
    let numbers: Vec<(f64, f32)> = numbers.collect();
    if numbers.is_empty() {
        return None;
    }
    if zo.uplink == Uplink::Sign {
        // A difference of 0 and a tie count as +1.
        let down = numbers.iter().filter(|(_, dl)| *dl < 0.0).count();
        return Some(if 2 * down > numbers.len() { -1.0 } else { 1.0 });
    }
    let mean = numbers.iter().map(|(share, dl)| share * f64::from(*dl)).sum::<f64>() as f32;
    Some(mean).filter(|mean| mean.is_finite())
}

/// Deviation of a client's perturbed losses, the mean over clients by share (methods.md, FZOO). With one side the losses of a client differ
/// by their differences alone. Clients with fewer than two finite ones are left out; `None` where all are.
pub fn deviation(zo: &ZoConfig, plan: &Plan, results: &[Vec<Vec<ProbeResult>>]) -> Option<f64> {
    let (mut sum, mut shares) = (0.0, 0.0);
    for (prober, steps) in plan.probers.iter().zip(results) {
        let dl: Vec<f64> = steps.iter().flat_map(|step| differences(zo, step)).flatten().map(f64::from).collect();
        if dl.len() >= 2 {
            let mean = dl.iter().sum::<f64>() / dl.len() as f64;
            let squares = dl.iter().map(|dl| (dl - mean).powi(2)).sum::<f64>();
            sum += prober.share * (squares / (dl.len() - 1) as f64).sqrt();
            shares += prober.share;
        }
    }
    (shares > 0.0).then(|| sum / shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn zo(sets: &[&str]) -> ZoConfig {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Config::load(None, &sets).unwrap().zo
    }

    #[test]
    fn sixteen_bits_are_rounded_and_saturate() {
        let zo = zo(&["zo.uplink=f16", "zo.epsilon=0.5"]);
        // One unit of the last place above 2048 is 2.
        assert_eq!(
            received(&zo, &[Some(2049.0), Some(-2051.0), Some(1e9), None]),
            [Some(2048.0), Some(-2052.0), Some(65504.0), None]
        );
    }

    #[test]
    fn majorities_count_clients_and_ties_are_positive() {
        let sign = zo(&["zo.uplink=sign", "zo.shared_seeds=true"]);
        let join = |dl: &[f32]| join(&sign, dl.iter().map(|&dl| (0.1, dl)));
        assert_eq!(join(&[-1.0, 2.0]), Some(1.0));
        assert_eq!(join(&[-1.0, -2.0, 5.0]), Some(-1.0));
        assert_eq!(join(&[-1.0, 0.0]), Some(1.0));
        assert_eq!(join(&[]), None);
        let mean = zo(&["zo.shared_seeds=true"]);
        assert_eq!(super::join(&mean, [(0.25, 2.0), (0.75, -1.0)].into_iter()), Some(-0.25));
    }
}
