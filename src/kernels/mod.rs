//! The kernels, a file each: `src/kernels/NAME.rs` beside `shaders/NAME.wgsl`. The build script finds them, declares their modules, and
//! lists them for [`all`] and [`cases`]; nothing else names them all.
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

pub use families::{fill, replaying};
pub use lib::{fold_grid, moments, params, parts, tiling, values, vec4_bytes};

pub mod conv_grad;
pub mod layer_norm;
pub mod linear_grad;
pub mod norm;

/// Sums and counts over samples.
pub mod sums {
    pub use super::class_count::{Params as ClassCountParams, record as record_class_count};
    pub use super::lane_sum::record as record_lane_sum;
    pub use super::probe_dl::{Probes, record as record_probe_dl};
}

/// Steps on the weights in the warm-up.
pub mod update {
    pub use super::average::{Params as AverageParams, record as record_average};
    pub use super::server_step::record as record_server_step;
    pub use super::sgd::record as record_sgd;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::caps::{AdapterInfo, AdapterKind, Tier};
    use crate::recording::Command;

    #[test]
    fn every_kernel_is_launched_by_a_case() {
        let launched = |tier, subgroup_size| {
            let (name, backend, driver) = (String::new(), String::new(), String::new());
            let kind = AdapterKind::Other;
            let (operands, features) = (crate::caps::OperandSource::Buffer, Vec::new());
            let info = AdapterInfo { name, backend, driver, kind, tier, subgroup_size, operands, features };
            let mut names = HashSet::new();
            for case in crate::selftest::cases() {
                let rec = (case.build)(&mut lib::Fixture::new(&info));
                for command in rec.commands() {
                    if let Command::Dispatch(dispatch) = command {
                        names.insert(dispatch.kernel.name);
                    }
                }
            }
            names
        };
        let (core, subgroup) = (launched(Tier::Core, 0), launched(Tier::Subgroup, 8));
        for kernel in all() {
            assert!(subgroup.contains(kernel.name), "{kernel:?} with subgroups");
            // Lookups need subgroups.
            assert!(core.contains(kernel.name) || kernel.name == "replay_lookup", "{kernel:?}");
        }
    }
}
