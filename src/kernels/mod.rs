//! The kernels, a file each: `src/kernels/NAME.rs` beside `shaders/NAME.wgsl`. The build script finds them, declares their modules, and
//! lists them for [`ALL`] and [`cases`]; nothing else names them all.
//!
//! A kernel's file has
//! - `pub static KERNEL`: its name and its CPU twin;
//! - `pub struct Params`: its uniform block, unless it is that of the kernel whose gradient it is or of its family (`lib`);
//! - `pub fn record`: appends a launch to a recording, with its cost;
//! - the twin, in straight loops, on whole launches: it is the kernel's specification;
//! - `pub fn cases`: self-test cases, at sizes that don't divide the tile, at 1, and large, with tolerances derived from roundings.
//!
//! What kernels share is in [`lib`], as their shaders' is in `shaders/lib/`. Where several kernels do one thing, `families` chooses.
//! What else the host must know of a shader (binding kinds, workgroup size, layout of its uniform block) is read from it by naga
//! ([`crate::shaders::reflect`]), not typed again here.

include!(concat!(env!("OUT_DIR"), "/kernels.rs"));

mod families;
pub mod lib;

pub use families::{fill, norm, replaying};
pub use lib::{class_rows, fold_grid, moments, params, parts, tile_order, tiling, values, vec4_bytes, way};

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;
    use crate::caps::{AdapterInfo, AdapterKind, Layout, OperandSource, Tier};
    use crate::recording::Command;
    use crate::recording::kernel::Variant;

    /// What the self-test launches on an adapter of a tier: kernels' names with their variants, a pipeline each.
    fn launched(tier: Tier, subgroup_size: u32) -> BTreeMap<&'static str, HashSet<Variant>> {
        let (name, backend, driver) = (String::new(), String::new(), String::new());
        let kind = AdapterKind::Other;
        let info = AdapterInfo {
            name,
            backend,
            driver,
            kind,
            tier,
            subgroup_size,
            operands: OperandSource::Buffer,
            layout: Layout::default(),
            features: Vec::new(),
            precision: crate::caps::Precision::default(),
            matrices: crate::caps::Matrices::default(),
        };
        let mut launched = BTreeMap::<_, HashSet<Variant>>::new();
        for case in cases().into_iter().filter(|case| !case.large) {
            for command in case.on(&info).recording.commands() {
                if let Command::Dispatch(dispatch) = command {
                    launched.entry(dispatch.kernel.name).or_default().insert(dispatch.variant.clone());
                }
            }
        }
        launched
    }

    #[test]
    fn cases_launch_every_kernel_and_share_pipelines() {
        let (core, subgroup) = (launched(Tier::Core, 0), launched(Tier::Subgroup, 8));
        for kernel in ALL {
            assert!(subgroup.contains_key(kernel.name), "{kernel:?} with subgroups");
            assert!(core.contains_key(kernel.name) || kernel.tier == Tier::Subgroup, "{kernel:?}");
        }
        for launched in [core, subgroup] {
            let pipelines: usize = launched.values().map(HashSet::len).sum();
            let list = launched.iter().map(|(name, variants)| format!("{name} {}", variants.len())).collect::<Vec<_>>();
            println!("{pipelines} pipelines: {}", list.join(", "));
        }
    }
}
