//! Replaying a round on the host: the CPU twin of the replay kernels (perturbation-stream, Exact replay, step 5).

use super::Distribution;

/// Weights per pass over the seeds: small enough to stay in the cache, a multiple of every block.
const CHUNK: usize = 4096;

/// Adds `sum_j q_j e(seed_j) * 2^-E` to the flat weights, the sum in i32; a zero result is +0. `seeds` and `q` have one
/// length; `E` lies in [-60, 60].
pub fn apply_exact(w: &mut [f32], dist: Distribution, seeds: &[u64], q: &[i32], scale_exp: i32) {
    let scale = power_of_two_f32(-scale_exp);
    let mut acc = [0i32; CHUNK];
    for (chunk, part) in w.chunks_mut(CHUNK).enumerate() {
        let acc = &mut acc[..part.len()];
        acc.fill(0);
        for (&seed, &q) in seeds.iter().zip(q).filter(|&(_, &q)| q != 0) {
            super::accumulate(dist, seed, (chunk * CHUNK) as u64, q, acc);
        }
        for (w, &acc) in part.iter_mut().zip(acc.iter()) {
            // Adding +0 turns -0 into +0 and changes nothing else.
            *w = *w + acc as f32 * scale + 0.0;
        }
    }
}

/// Adds `sum_j a_j e(seed_j)` to the flat weights in f32: the sum over the seeds in their order, then one addition. A
/// `sphere` direction's factor belongs in `a`.
pub fn apply_float(w: &mut [f32], dist: Distribution, seeds: &[u64], a: &[f32]) {
    let mut sum = [0f32; CHUNK];
    let mut elements = [0f32; CHUNK];
    for (chunk, part) in w.chunks_mut(CHUNK).enumerate() {
        let sum = &mut sum[..part.len()];
        let elements = &mut elements[..part.len()];
        sum.fill(0.0);
        for (&seed, &a) in seeds.iter().zip(a).filter(|&(_, &a)| a != 0.0) {
            super::fill(dist, seed, (chunk * CHUNK) as u64, elements);
            sum.iter_mut().zip(elements.iter()).for_each(|(s, &e)| *s += a * e);
        }
        part.iter_mut().zip(sum.iter()).for_each(|(w, &s)| *w += s);
    }
}

/// Makes subnormals and -0 of a base +0: devices may flush them.
pub fn sanitize_base(w: &mut [f32]) {
    for w in w.iter_mut().filter(|w| w.is_subnormal() || **w == 0.0) {
        *w = 0.0;
    }
}

/// `2^e` for `-126 <= e <= 127`, by its bits: what the host hands to a replay kernel.
pub fn power_of_two_f32(e: i32) -> f32 {
    f32::from_bits(((e.clamp(-126, 127) + 127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers() {
        for e in [-60, -1, 0, 1, 60] {
            assert_eq!(power_of_two_f32(e), 2f32.powi(e));
        }
    }

    #[test]
    fn a_zero_result_is_positive() {
        let mut w = vec![0.0f32; 300];
        crate::stream::fill(Distribution::Rademacher, 3, 0, &mut w);
        apply_exact(&mut w, Distribution::Rademacher, &[3], &[-8], 3);
        assert!(w.iter().all(|w| w.to_bits() == 0));
        let mut w = vec![-0.0f32; 5];
        apply_exact(&mut w, Distribution::Rademacher, &[3], &[0], 3);
        assert!(w.iter().all(|w| w.to_bits() == 0));
    }

    #[test]
    fn bases_hold_no_subnormal_and_no_negative_zero() {
        let mut w = [-0.0, 1e-40, -1e-40, 1.0, -2.0, f32::MIN_POSITIVE];
        sanitize_base(&mut w);
        assert_eq!(w.map(f32::to_bits), [0.0, 0.0, 0.0, 1.0, -2.0, f32::MIN_POSITIVE].map(f32::to_bits));
    }

    #[test]
    fn the_float_replay_agrees_with_the_exact_one() {
        let (d, seeds, q) = (5000, [1u64, 2, 3], [1000, -77, 4]);
        let mut exact = vec![0.25f32; d];
        let mut float = exact.clone();
        apply_exact(&mut exact, Distribution::Binomial, &seeds, &q, 20);
        apply_float(&mut float, Distribution::Binomial, &seeds, &q.map(|q| q as f32 * power_of_two_f32(-20)));
        assert_eq!(exact, float);
    }
}
