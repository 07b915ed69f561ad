//! Twins of `lane_sum`, `probe_dl`, `class_count`, and the sum over a workgroup that other twins share.

use crate::kernels::params::Lane;
use crate::kernels::sums::{ClassCountParams, LaneSumParams, ProbeDlParams};
use crate::recording::kernel::Call;

/// Sum over the 64 threads of a workgroup, each of which adds the items t, t + 64, ... of `count`: the tree of
/// `shaders/lib/tree.wgsl`.
pub fn tree_sum(count: usize, value: impl Fn(usize) -> f32) -> f32 {
    let mut sums = thread_sums(count, value);
    let mut step = 32;
    while step > 0 {
        for t in 0..step {
            sums[t] += sums[t + step];
        }
        step /= 2;
    }
    sums[0]
}

/// Sum of `count` items dealt to `teams` teams, i to team i modulo `teams`, and the teams' sums in order:
/// `shaders/lib/row_teams.wgsl`.
pub fn team_sum(teams: usize, count: usize, value: impl Fn(usize) -> f32) -> f32 {
    let of_team = |team: usize| (team..count).step_by(teams).fold(0.0, |sum, i| sum + value(i));
    (1..teams).map(of_team).fold(of_team(0), |total, sum| total + sum)
}

/// What each of 64 threads adds up.
pub fn thread_sums(count: usize, value: impl Fn(usize) -> f32) -> [f32; 64] {
    let mut sums = [0.0f32; 64];
    for i in 0..count {
        sums[i % 64] += value(i);
    }
    sums
}

/// Sum of the lanes' per-sample values.
pub fn lane_sum(call: &Call<'_>) {
    let p: LaneSumParams = call.params();
    let (lanes, values) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut out = call.write::<f32>(3);
    for (lane, out) in lanes.iter().zip(&mut out[..p.lanes as usize]) {
        *out = tree_sum(lane.rows as usize, |r| values[lane.out_row as usize + r]);
    }
}

/// Mean difference and mean loss of each probe, or the sums of its parts.
pub fn probe_dl(call: &Call<'_>) {
    let p: ProbeDlParams = call.params();
    let (probes, loss) = (call.read::<[u32; 4]>(1), call.read::<f32>(2));
    let mut out = call.write::<[f32; 2]>(3);
    let samples = call.variant.get("PART_SAMPLES", 64) as usize;
    for (&[plus, minus, rows, _], out) in probes.iter().zip(out.chunks_mut(p.parts as usize)).take(p.probes as usize) {
        let at = |r: usize| (loss[plus as usize + r], loss[minus as usize + r]);
        for (part, out) in out.iter_mut().enumerate() {
            let first = part * samples;
            let count = (rows as usize).saturating_sub(first).min(samples);
            let difference = tree_sum(count, |r| at(first + r).0 - at(first + r).1);
            let mean = tree_sum(count, |r| (at(first + r).0 + at(first + r).1) * 0.5);
            *out = if p.parts == 1 { [difference / rows as f32, mean / rows as f32] } else { [difference, mean] };
        }
    }
}

/// The same from the sums of parts.
pub fn probe_mean(call: &Call<'_>) {
    let p: ProbeDlParams = call.params();
    let (probes, sums) = (call.read::<[u32; 4]>(1), call.read::<[f32; 2]>(2));
    let mut out = call.write::<[f32; 2]>(3);
    let parts = sums.chunks(p.parts as usize).take(p.probes as usize);
    for ((&[_, _, rows, _], parts), out) in probes.iter().zip(parts).zip(out.iter_mut()) {
        let whole = parts.iter().fold([0.0f32; 2], |[a, b], part| [a + part[0], b + part[1]]);
        *out = whole.map(|sum| sum / rows as f32);
    }
}

/// Hits and misses per class.
pub fn class_count(call: &Call<'_>) {
    let p: ClassCountParams = call.params();
    let (labels, correct) = (call.read::<u32>(1), call.read::<u32>(2));
    let mut counts = call.write::<u32>(3);
    for r in 0..p.rows as usize {
        counts[(labels[p.label_row as usize + r] * 2 + correct[p.correct_row as usize + r]) as usize] += 1;
    }
}
