// Weights as a lane sees them: w + coef * z, z formed from the lane's seed. The importing kernel declares the storage
// buffer `weights: array<f32>`.
#import lib/lane.wgsl
#import lib/stream.wgsl

// 0: plain weights; else 1 + the stream number of the distribution.
override PERTURB: u32 = 0u;

fn weight_at(lane: Lane, i: u32) -> f32 {
    let base = weights[lane.weight_base + i];
    if PERTURB == 0u {
        return base;
    }
    return base + lane.coef * stream_element(PERTURB - 1u, vec2<u32>(lane.seed_lo, lane.seed_hi), i, 0u);
}
