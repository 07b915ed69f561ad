//! The host's table of kernels: a row each, with its name, its WGSL file and its CPU twin.
//!
//! What else the host must know of a shader (binding kinds, workgroup size, layout of its uniform block) is read from the
//! shader by naga ([`crate::shaders::reflect`]), not typed again here.

pub mod activation;
pub mod add;
pub mod attention;
pub mod conv;
pub mod conv_grad;
pub mod copy;
pub mod fill;
pub mod fill_constant;
pub mod fingerprint;
pub mod gather;
pub mod layer_norm;
pub mod linear;
pub mod linear_grad;
pub mod madd;
pub mod mlp_forward;
pub mod moments;
pub mod norm;
pub mod params;
pub mod pool;
pub mod replay;
pub mod softmax_xent;
pub mod sums;
pub mod tiling;
pub mod tokens;
pub mod update;
pub mod values;

use crate::recording::kernel::Kernel;

/// The table: every kernel once.
pub static ALL: &[&Kernel] = &[
    &activation::ACTIVATION,
    &activation::ACTIVATION_GRAD,
    &add::KERNEL,
    &attention::ATTENTION,
    &attention::ATTENTION_GRAD,
    &conv::KERNEL,
    &conv::GROUP_MOMENTS,
    &conv::CHANNEL_MOMENTS,
    &conv_grad::CONV_GRAD_INPUT,
    &conv_grad::CONV_GRAD_WEIGHT,
    &copy::KERNEL,
    &fill::SIGNS,
    &fill::VALUES,
    &fill_constant::KERNEL,
    &fingerprint::KERNEL,
    &gather::KERNEL,
    &layer_norm::LAYER_NORM,
    &layer_norm::LAYER_NORM_GRAD,
    &layer_norm::LAYER_NORM_GRAD_PARAMS.quad,
    &layer_norm::LAYER_NORM_GRAD_PARAMS.scalar,
    &linear::KERNEL,
    &linear_grad::LINEAR_GRAD_INPUT,
    &linear_grad::LINEAR_GRAD_WEIGHT,
    &linear_grad::BIAS_GRAD,
    &madd::KERNEL,
    &mlp_forward::KERNEL,
    &norm::GROUP_NORM_STATS,
    &norm::GROUP_NORM_MOMENTS,
    &norm::BATCH_NORM_STATS,
    &norm::BATCH_NORM_MOMENTS,
    &norm::RUNNING_NORM_STATS,
    &norm::NORM_APPLY,
    &norm::NORM_GRAD_PARAMS.quad,
    &norm::NORM_GRAD_PARAMS.scalar,
    &norm::GROUP_NORM_GRAD,
    &norm::BATCH_NORM_GRAD,
    &norm::RUNNING_UPDATE,
    &pool::POOL,
    &pool::POOL_GRAD,
    &replay::RADEMACHER,
    &replay::LOOKUP,
    &replay::BINOMIAL,
    &replay::FLOAT,
    &softmax_xent::SOFTMAX_XENT,
    &softmax_xent::SOFTMAX_XENT_GRAD,
    &sums::LANE_SUM,
    &sums::PROBE_DL,
    &sums::CLASS_COUNT,
    &tokens::TOKENS,
    &tokens::TOKENS_GRAD,
    &tokens::TOKENS_GRAD_PARAMS,
    &tokens::CLASS_TOKEN,
    &tokens::CLASS_TOKEN_GRAD,
    &update::SGD,
    &update::AVERAGE,
    &update::SERVER_STEP,
];

/// Workgroup counts for `items` work items at `per_group` a group, folded over x and y so that no dimension passes 65,535.
/// The shader gets its linear group index as `id.y * groups.x + id.x` and masks what lies beyond its count.
pub fn fold_grid(items: u64, per_group: u32) -> [u32; 3] {
    const MAX: u64 = 65_535;
    let groups = items.div_ceil(u64::from(per_group.max(1)));
    if groups <= MAX {
        return [groups as u32, 1, 1];
    }
    let y = groups.div_ceil(MAX);
    [groups.div_ceil(y) as u32, y as u32, 1]
}

/// Bytes of `count` f32 up to the end of their last vec4: what a kernel with vec4 bindings needs of a buffer.
pub fn vec4_bytes(count: u32) -> u64 {
    u64::from(count).next_multiple_of(4) * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_covers_every_item_within_the_limit() {
        for items in [0u64, 1, 63, 64, 65, 65_535 * 64, 65_535 * 64 + 1, 11_173_962 * 16, u64::from(u32::MAX)] {
            let [x, y, z] = fold_grid(items, 64);
            assert!(x <= 65_535 && y <= 65_535 && z == 1);
            assert!(u64::from(x) * u64::from(y) * 64 >= items);
        }
    }
}
