//! The shader tree: every file is embedded, every kernel is valid in each tier, host structs have the shaders' layout.

use std::mem::offset_of;
use std::path::Path;

use zowarmup::caps::Tier;
use zowarmup::kernels::params::Lane;
use zowarmup::kernels::{
    activation, add, attention, conv, conv_grad, copy, fill, fill_constant, fingerprint, gather, layer_norm, linear,
    linear_grad, madd, mlp_forward, norm, own_rows, pool, replay, softmax_xent, sums, tokens, update,
};
use zowarmup::shaders::{self, Flavour, SOURCES, reflect};

/// Kernels' names: the files outside `lib/`.
fn kernels() -> impl Iterator<Item = &'static str> {
    SOURCES.iter().filter(|(path, _)| !path.contains('/')).filter_map(|(path, _)| path.strip_suffix(".wgsl"))
}

/// The tree without any stand-in.
const CORE: Flavour = Flavour { tier: Tier::Core, texels: false };

fn flavours() -> impl Iterator<Item = Flavour> {
    let tiers = [Tier::Core, Tier::Subgroup];
    tiers.into_iter().flat_map(|tier| [false, true].map(|texels| Flavour { tier, texels }))
}

fn module(kernel: &str, flavour: Flavour) -> naga::Module {
    let source = shaders::expand(kernel, flavour).unwrap();
    naga::front::wgsl::parse_str(&source).unwrap_or_else(|e| panic!("{kernel}: {}", e.emit_to_string(&source)))
}

#[test]
fn every_file_is_embedded() {
    fn files(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, root, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut found = Vec::new();
    files(&root, &root, &mut found);
    found.sort();
    let listed: Vec<&str> = SOURCES.iter().map(|(path, _)| *path).collect();
    assert_eq!(found, listed);
}

#[test]
fn every_kernel_is_valid_in_each_tier() {
    use naga::valid::{Capabilities, ValidationFlags, Validator};
    for kernel in kernels() {
        for flavour in flavours() {
            // Chosen in the subgroup tier only (`replay::Exact::of`).
            if flavour.tier == Tier::Core && kernel == replay::LOOKUP.name {
                continue;
            }
            let capabilities = match flavour.tier {
                Tier::Core => Capabilities::empty(),
                Tier::Subgroup => Capabilities::SHADER_INT64 | Capabilities::SUBGROUP,
            };
            let module = module(kernel, flavour);
            Validator::new(ValidationFlags::all(), capabilities)
                .validate(&module)
                .unwrap_or_else(|e| panic!("{kernel} ({flavour:?}): {e:?}"));
            let entry = &module.entry_points[0];
            assert_eq!((entry.name.as_str(), module.entry_points.len()), ("main", 1), "{kernel}");
            assert!(entry.workgroup_size.iter().product::<u32>() <= 256, "{kernel}");
            let source = shaders::expand(kernel, flavour).unwrap();
            let interface = reflect::interface(kernel, &source).unwrap();
            assert!(interface.bindings.len() <= 9, "{kernel}: more than 8 storage buffers");
            let workgroup: u32 = module
                .global_variables
                .iter()
                .filter(|(_, v)| v.space == naga::AddressSpace::WorkGroup)
                .map(|(_, v)| module.types[v.ty].inner.size(module.to_ctx()))
                .sum();
            assert!(workgroup <= 16 << 10, "{kernel}: {workgroup} bytes of workgroup memory");
        }
    }
}

/// Compares a host struct with the uniform block of kernels: size, and name and offset of each member.
macro_rules! check_params {
    ($checked:ident, $params:ty, [$($field:ident),*], $kernels:expr) => {
        let host: Vec<(String, u32)> =
            vec![$((stringify!($field).to_owned(), offset_of!($params, $field) as u32)),*];
        for kernel in $kernels {
            let source = shaders::expand(kernel, CORE).unwrap();
            let interface = reflect::interface(kernel, &source).unwrap();
            assert_eq!(interface.params_members, host, "{kernel}");
            assert_eq!(interface.params_bytes as usize, size_of::<$params>(), "{kernel}");
            $checked.push(kernel);
        }
    };
}

#[test]
fn host_structs_have_the_layout_of_the_uniform_blocks() {
    let mut checked: Vec<&str> = Vec::new();
    check_params!(checked, gather::Params, [rows, features, spatial, row_words, out_row], [gather::KERNEL.name]);
    check_params!(
        checked,
        pool::Params,
        [planes, h, w, out_h, out_w, kernel_h, kernel_w, stride],
        [pool::POOL.name, pool::POOL_GRAD.name]
    );
    check_params!(
        checked,
        activation::Params,
        [count],
        [activation::ACTIVATION.names(), activation::ACTIVATION_GRAD.names()].concat()
    );
    check_params!(
        checked,
        norm::Params,
        [channels, groups, spatial, scale_offset, bias_offset, mean_offset, variance_offset, relu, accumulate],
        [
            norm::GROUP_NORM_STATS.names(),
            norm::BATCH_NORM_STATS.names(),
            norm::NORM_APPLY.names(),
            norm::NORM_GRAD_PARAMS.names(),
            norm::GROUP_NORM_GRAD.names(),
            norm::BATCH_NORM_GRAD.names(),
            [norm::RUNNING_NORM_STATS.name, norm::RUNNING_UPDATE.name]
        ]
        .concat()
        .into_iter()
        .chain([norm::GROUP_NORM_MOMENTS.name, norm::BATCH_NORM_MOMENTS.name])
    );
    check_params!(
        checked,
        layer_norm::Params,
        [dim, scale_offset, bias_offset, accumulate],
        [
            layer_norm::LAYER_NORM.names(),
            layer_norm::LAYER_NORM_GRAD.names(),
            layer_norm::LAYER_NORM_GRAD_PARAMS.names()
        ]
        .concat()
    );
    check_params!(
        checked,
        attention::Params,
        [tokens, heads, dim],
        [attention::ATTENTION.names(), attention::ATTENTION_GRAD.names()].concat()
    );
    check_params!(
        checked,
        tokens::Params,
        [dim, patches, class_offset, position_offset, accumulate],
        [tokens::TOKENS.name, tokens::TOKENS_GRAD.name, tokens::TOKENS_GRAD_PARAMS.name]
    );
    check_params!(
        checked,
        tokens::ClassParams,
        [tokens, dim, rows],
        [tokens::CLASS_TOKEN.name, tokens::CLASS_TOKEN_GRAD.name]
    );
    check_params!(checked, add::Params, [count], add::KERNEL.names());
    check_params!(
        checked,
        softmax_xent::Params,
        [classes],
        [softmax_xent::SOFTMAX_XENT.name, softmax_xent::SOFTMAX_XENT_GRAD.name]
    );
    check_params!(
        checked,
        linear_grad::InputParams,
        [inputs, outputs, weight_offset],
        [linear_grad::LINEAR_GRAD_INPUT.name]
    );
    check_params!(
        checked,
        linear_grad::WeightParams,
        [inputs, outputs, weight_offset, from_batch, accumulate],
        [linear_grad::LINEAR_GRAD_WEIGHT.name]
    );
    check_params!(
        checked,
        linear_grad::BiasParams,
        [outputs, spatial, bias_offset, accumulate],
        [linear_grad::BIAS_GRAD.name]
    );
    check_params!(
        checked,
        conv_grad::Uniforms,
        [weight_offset, from_batch, accumulate],
        [conv_grad::CONV_GRAD_INPUT.name, conv_grad::CONV_GRAD_WEIGHT.name]
    );
    check_params!(checked, update::StepParams, [count, lr], [update::SGD.name, update::SERVER_STEP.name]);
    check_params!(checked, update::AverageParams, [count, stride, clients, first], [update::AVERAGE.name]);
    check_params!(checked, sums::LaneSumParams, [lanes], [sums::LANE_SUM.name]);
    check_params!(checked, sums::ProbeDlParams, [probes], [sums::PROBE_DL.name]);
    check_params!(checked, sums::ClassCountParams, [rows, label_row, correct_row], [sums::CLASS_COUNT.name]);
    check_params!(
        checked,
        linear::Params,
        [inputs, outputs, weight_offset, bias_offset, from_batch, activation],
        [linear::KERNEL.name]
    );
    check_params!(
        checked,
        mlp_forward::Params,
        [inputs, hidden, classes, weight1, bias1, weight2, bias2],
        [mlp_forward::KERNEL.name]
    );
    check_params!(
        checked,
        conv::Params,
        [weight_offset, bias_offset, from_batch, relu],
        [conv::KERNEL.name, conv::GROUP_MOMENTS.name, conv::CHANNEL_MOMENTS.name]
    );
    check_params!(
        checked,
        replay::Params,
        [probes, weights, first, factor, once],
        [replay::RADEMACHER.name, replay::LOOKUP.name, replay::BINOMIAL.name, replay::FLOAT.name]
    );
    check_params!(
        checked,
        fill::Params,
        [seed_lo, seed_hi, start_lo, start_hi, quads],
        [fill::SIGNS.name, fill::VALUES.name]
    );
    check_params!(checked, own_rows::Params, [len], [own_rows::KERNEL.name]);
    check_params!(checked, copy::Params, [quads], [copy::KERNEL.name]);
    check_params!(checked, madd::Params, [b, c, iterations], [madd::KERNEL.name]);
    check_params!(checked, fill_constant::Params, [value, quads], [fill_constant::KERNEL.name]);
    check_params!(checked, fingerprint::Params, [weights, first], [fingerprint::KERNEL.name]);
    checked.sort_unstable();
    let mut all: Vec<&str> = kernels().collect();
    all.sort_unstable();
    assert_eq!(checked, all, "each kernel has a row above");
}

#[test]
fn lane_has_the_layout_of_its_twin() {
    let module = module(softmax_xent::SOFTMAX_XENT.name, CORE);
    let (_, lane) = module.types.iter().find(|(_, t)| t.name.as_deref() == Some("Lane")).unwrap();
    let naga::TypeInner::Struct { members, span } = &lane.inner else { panic!("Lane is no struct") };
    macro_rules! members {
        ($($field:ident),*) => { vec![$((stringify!($field), offset_of!(Lane, $field) as u32)),*] };
    }
    let host = members!(weight_base, seed_lo, seed_hi, coef, x_row, row0, rows, out_row);
    let shader: Vec<_> = members.iter().map(|m| (m.name.as_deref().unwrap(), m.offset)).collect();
    assert_eq!(shader, host);
    assert_eq!(*span as usize, size_of::<Lane>());
}
