//! The shader tree: every file is embedded, every kernel is valid in each tier, host structs have the shaders' layout.

use std::path::Path;

use zowarmup::caps::Tier;
use zowarmup::kernels::params::Lane;
use zowarmup::kernels::{all, softmax_xent};
use zowarmup::recording::kernel::{Layout, Params};
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
    for kernel in all() {
        for flavour in flavours().filter(|flavour| flavour.tier >= kernel.tier) {
            let kernel = kernel.name;
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

#[test]
fn the_table_has_a_row_for_every_kernel() {
    let mut listed: Vec<&str> = all().iter().map(|kernel| kernel.name).collect();
    listed.sort_unstable();
    let mut files: Vec<&str> = kernels().collect();
    files.sort_unstable();
    assert_eq!(listed, files);
}

/// Members of a struct that naga read, as a host struct lists its own.
fn members<'a>(module: &'a naga::Module, members: &'a [naga::StructMember]) -> Vec<(&'a str, u32, &'static str)> {
    let kind = |ty| match module.types[ty].inner {
        naga::TypeInner::Scalar(naga::Scalar::U32) => "u32",
        naga::TypeInner::Scalar(naga::Scalar::I32) => "i32",
        naga::TypeInner::Scalar(naga::Scalar::F32) => "f32",
        ref other => panic!("{other:?} crosses from host to shader"),
    };
    members.iter().map(|m| (m.name.as_deref().unwrap(), m.offset, kind(m.ty))).collect()
}

/// Compares a struct of a module with the host's.
fn compare(name: &str, module: &naga::Module, ty: naga::Handle<naga::Type>, host: &Layout) {
    let naga::TypeInner::Struct { members: found, span } = &module.types[ty].inner else {
        panic!("{name} is no struct")
    };
    let expected: Vec<_> = host.members.iter().map(|m| (m.name, m.offset, m.kind)).collect();
    assert_eq!(members(module, found), expected, "{name}");
    assert_eq!(*span, host.bytes, "{name}");
}

#[test]
fn host_structs_have_the_layout_of_the_uniform_blocks() {
    for kernel in all() {
        let module = module(kernel.name, Flavour { tier: kernel.tier, ..CORE });
        let uniform = module.global_variables.iter().find(|(_, v)| v.space == naga::AddressSpace::Uniform);
        compare(kernel.name, &module, uniform.unwrap().1.ty, kernel.params);
    }
}

#[test]
fn lane_has_the_layout_of_its_twin() {
    let module = module(softmax_xent::KERNEL.name, CORE);
    let (lane, _) = module.types.iter().find(|(_, t)| t.name.as_deref() == Some("Lane")).unwrap();
    compare("Lane", &module, lane, Lane::LAYOUT);
}
