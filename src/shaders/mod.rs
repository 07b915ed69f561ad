//! The WGSL sources, embedded, and the two things done to them before compilation: expanding imports, setting constants.
//!
//! - A line `#import lib/NAME.wgsl` is replaced by that file, once per module, or by its stand-in for the device's [`Flavour`]
//!   where there is one: `lib/NAME_texel.wgsl` where operands are read as texels, else `lib/NAME_subgroup.wgsl` in the subgroup
//!   tier. A stand-in has the same functions, made with what the device offers.
//! - `enable` lines of fragments move to the top, where WGSL wants them.
//! - A constant of a [`Variant`] sets an `override` at pipeline creation, or replaces the value in a line `const NAME: u32 = ...;`
//!   (sizes of function-local arrays can't be overrides). There are no templates: each file is valid WGSL as it stands.

use std::collections::HashSet;

use crate::caps::Tier;
use crate::recording::kernel::Variant;

pub mod reflect;

/// Which stand-ins of the fragments a device wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flavour {
    /// The adapter's tier.
    pub tier: Tier,
    /// Read-only operands of matrix products are read as texels of storage textures that shadow the bound buffers
    /// (`src/device/gpu/texels.rs`). Software adapters load a texel in a tenth of the time of a vec4 of a storage buffer, which
    /// they gather lane by lane.
    pub texels: bool,
}

impl Flavour {
    /// The file that is included for an import of `path`.
    fn stand_in(self, path: &str) -> Option<&'static str> {
        let ending = |wanted: bool, end: &str| wanted.then(|| path.replace(".wgsl", end));
        let endings = [ending(self.texels, "_texel.wgsl"), ending(self.tier == Tier::Subgroup, "_subgroup.wgsl")];
        endings.into_iter().flatten().find_map(|p| source(&p)).or_else(|| source(path))
    }
}

/// Why a shader could not be put together. All of these are defects of the tree, found by the shader tests.
#[derive(Debug, thiserror::Error)]
pub enum ShaderError {
    /// No such file in the embedded tree.
    #[error("shader {0} does not exist")]
    Missing(String),
    /// A constant that the source doesn't declare.
    #[error("shader {shader} declares no constant {name}")]
    NoConstant {
        /// The shader.
        shader: String,
        /// The constant.
        name: String,
    },
    /// naga refused the source.
    #[error("shader {shader}: {message}")]
    Invalid {
        /// The shader.
        shader: String,
        /// naga's message with the place in the expanded source.
        message: String,
    },
}

macro_rules! sources {
    ($($file:literal),* $(,)?) => {
        /// Every file below `shaders/`: path and content.
        pub const SOURCES: &[(&str, &str)] = &[$(($file, include_str!(concat!("../../shaders/", $file)))),*];
    };
}

sources![
    "activation.wgsl",
    "activation_grad.wgsl",
    "activation_grad_scalar.wgsl",
    "activation_scalar.wgsl",
    "add.wgsl",
    "add_scalar.wgsl",
    "attention.wgsl",
    "attention_grad.wgsl",
    "attention_grad_scalar.wgsl",
    "attention_scalar.wgsl",
    "average.wgsl",
    "batch_norm_grad.wgsl",
    "batch_norm_grad_scalar.wgsl",
    "batch_norm_moments.wgsl",
    "batch_norm_stats.wgsl",
    "batch_norm_stats_scalar.wgsl",
    "bias_grad.wgsl",
    "class_count.wgsl",
    "class_token.wgsl",
    "class_token_grad.wgsl",
    "conv.wgsl",
    "conv_channel_moments.wgsl",
    "conv_grad_input.wgsl",
    "conv_grad_weight.wgsl",
    "conv_group_moments.wgsl",
    "copy.wgsl",
    "fill_constant.wgsl",
    "fill_signs.wgsl",
    "fill_values.wgsl",
    "fingerprint.wgsl",
    "gather.wgsl",
    "group_norm_grad.wgsl",
    "group_norm_grad_scalar.wgsl",
    "group_norm_moments.wgsl",
    "group_norm_stats.wgsl",
    "group_norm_stats_scalar.wgsl",
    "lane_sum.wgsl",
    "layer_norm.wgsl",
    "layer_norm_grad.wgsl",
    "layer_norm_grad_params.wgsl",
    "layer_norm_grad_params_scalar.wgsl",
    "layer_norm_grad_scalar.wgsl",
    "layer_norm_scalar.wgsl",
    "lib/activation.wgsl",
    "lib/activation_grad.wgsl",
    "lib/add.wgsl",
    "lib/attention.wgsl",
    "lib/attention_grad.wgsl",
    "lib/batch_norm_grad.wgsl",
    "lib/batch_norm_kept.wgsl",
    "lib/batch_norm_stats.wgsl",
    "lib/block.wgsl",
    "lib/coefficients.wgsl",
    "lib/conv.wgsl",
    "lib/embedding.wgsl",
    "lib/exact_add.wgsl",
    "lib/fold.wgsl",
    "lib/geometry.wgsl",
    "lib/gradient.wgsl",
    "lib/gradient_quads.wgsl",
    "lib/gradient_quads_texel.wgsl",
    "lib/group_norm_grad.wgsl",
    "lib/group_norm_kept.wgsl",
    "lib/group_norm_stats.wgsl",
    "lib/heads.wgsl",
    "lib/input_quads.wgsl",
    "lib/input_quads_texel.wgsl",
    "lib/inputs.wgsl",
    "lib/lane.wgsl",
    "lib/layer_norm.wgsl",
    "lib/layer_norm_grad.wgsl",
    "lib/layer_norm_grad_params.wgsl",
    "lib/math.wgsl",
    "lib/mulhi.wgsl",
    "lib/mulhi_subgroup.wgsl",
    "lib/norm.wgsl",
    "lib/norm_apply.wgsl",
    "lib/norm_grad_params.wgsl",
    "lib/old_weights.wgsl",
    "lib/old_weights_texel.wgsl",
    "lib/operand1.wgsl",
    "lib/operand1_texel.wgsl",
    "lib/operand2.wgsl",
    "lib/operand2_texel.wgsl",
    "lib/operand3.wgsl",
    "lib/operand3_texel.wgsl",
    "lib/operand5.wgsl",
    "lib/operand5_texel.wgsl",
    "lib/perturbed.wgsl",
    "lib/philox.wgsl",
    "lib/position.wgsl",
    "lib/probe_at.wgsl",
    "lib/probe_at_texel.wgsl",
    "lib/probes.wgsl",
    "lib/probes_subgroup.wgsl",
    "lib/quad1.wgsl",
    "lib/quad1_texel.wgsl",
    "lib/quad2.wgsl",
    "lib/quad2_texel.wgsl",
    "lib/quad3.wgsl",
    "lib/quad3_texel.wgsl",
    "lib/quad4.wgsl",
    "lib/quad4_texel.wgsl",
    "lib/replay.wgsl",
    "lib/rows.wgsl",
    "lib/run.wgsl",
    "lib/scalar1.wgsl",
    "lib/scalar1_texel.wgsl",
    "lib/scalar2.wgsl",
    "lib/scalar2_texel.wgsl",
    "lib/scalar3.wgsl",
    "lib/scalar3_texel.wgsl",
    "lib/scalar4.wgsl",
    "lib/scalar4_texel.wgsl",
    "lib/share.wgsl",
    "lib/share_subgroup.wgsl",
    "lib/sign_quads.wgsl",
    "lib/sign_quads_subgroup.wgsl",
    "lib/stream.wgsl",
    "lib/stream_quad.wgsl",
    "lib/subgroup_place.wgsl",
    "lib/team_sums.wgsl",
    "lib/team_sums_subgroup.wgsl",
    "lib/tile.wgsl",
    "lib/tile_signs.wgsl",
    "lib/tile_signs_subgroup.wgsl",
    "lib/tile_slots.wgsl",
    "lib/tile_step.wgsl",
    "lib/tile_store.wgsl",
    "lib/tree.wgsl",
    "lib/tree4.wgsl",
    "lib/value_quad.wgsl",
    "lib/value_scalar.wgsl",
    "lib/weight.wgsl",
    "lib/weight_quad_of.wgsl",
    "lib/weight_quads.wgsl",
    "lib/weight_quads_texel.wgsl",
    "lib/weight_scalar_of.wgsl",
    "lib/weights.wgsl",
    "lib/window.wgsl",
    "lib/word_sums.wgsl",
    "linear.wgsl",
    "linear_grad_input.wgsl",
    "linear_grad_weight.wgsl",
    "madd.wgsl",
    "mlp_forward.wgsl",
    "norm_apply.wgsl",
    "norm_apply_scalar.wgsl",
    "norm_grad_params.wgsl",
    "norm_grad_params_scalar.wgsl",
    "own_rows.wgsl",
    "pool.wgsl",
    "pool_grad.wgsl",
    "probe_dl.wgsl",
    "replay.wgsl",
    "replay_binomial.wgsl",
    "replay_float.wgsl",
    "replay_lookup.wgsl",
    "running_norm_stats.wgsl",
    "running_update.wgsl",
    "server_step.wgsl",
    "sgd.wgsl",
    "softmax_xent.wgsl",
    "softmax_xent_grad.wgsl",
    "tokens.wgsl",
    "tokens_grad.wgsl",
    "tokens_grad_params.wgsl",
];

fn source(path: &str) -> Option<&'static str> {
    SOURCES.iter().find(|(p, _)| *p == path).map(|(_, s)| *s)
}

/// Values of a shader's `override`s.
pub type Overrides = Vec<(&'static str, f64)>;

/// The kernel's source for a device, imports expanded and `const` lines set; overrides of the variant come back beside it.
pub fn specialise(kernel: &str, flavour: Flavour, variant: &Variant) -> Result<(String, Overrides), ShaderError> {
    let mut text = expand(kernel, flavour)?;
    let mut overrides = Vec::new();
    for &(name, value) in variant.constants() {
        if text.contains(&format!("override {name}:")) {
            overrides.push((name, f64::from(value)));
            continue;
        }
        let head = format!("const {name}: u32 =");
        let missing = || ShaderError::NoConstant { shader: kernel.to_owned(), name: name.to_owned() };
        let start = text.find(&head).ok_or_else(missing)? + head.len();
        let end = start + text[start..].find(';').ok_or_else(missing)?;
        text.replace_range(start..end, &format!(" {value}u"));
    }
    Ok((text, overrides))
}

/// The kernel's source with its imports expanded.
pub fn expand(kernel: &str, flavour: Flavour) -> Result<String, ShaderError> {
    let mut seen = HashSet::new();
    let mut enables = Vec::new();
    let mut body = String::new();
    include(&format!("{kernel}.wgsl"), flavour, &mut seen, &mut enables, &mut body)?;
    Ok(enables.into_iter().map(|line| line + "\n").collect::<String>() + &body)
}

fn include(
    path: &str,
    flavour: Flavour,
    seen: &mut HashSet<String>,
    enables: &mut Vec<String>,
    body: &mut String,
) -> Result<(), ShaderError> {
    if !seen.insert(path.to_owned()) {
        return Ok(());
    }
    let text = flavour.stand_in(path).ok_or_else(|| ShaderError::Missing(path.to_owned()))?;
    for line in text.lines() {
        if let Some(import) = line.strip_prefix("#import ") {
            include(import.trim(), flavour, seen, enables, body)?;
        } else if line.starts_with("enable ") {
            if !enables.iter().any(|e| e == line) {
                enables.push(line.to_owned());
            }
        } else {
            body.push_str(line);
            body.push('\n');
        }
    }
    Ok(())
}
