//! The shader tree: every file is embedded, every kernel is valid in each tier, host structs have the shaders' layout.

mod languages;
mod stream;

use std::path::Path;

use naga::valid::Capabilities;
use zowarmup::caps::Tier;
use zowarmup::kernels::lib::geometry::Sizes;
use zowarmup::kernels::lib::matrix::{EIGHTS, EMULATED, MATRIX, SPLIT_F16};
use zowarmup::kernels::params::Lane;
use zowarmup::kernels::parts::Cut;
use zowarmup::kernels::{ALL, softmax_xent};
use zowarmup::recording::kernel::{Kernel, Params, StructLayout};
use zowarmup::shaders::{
    self, Expanded, Flavour, IN_HALVES, IN_QUADS, MOMENTS, OUT_HALVES, QUADS, RESIDUAL_HALVES, SOURCES, reflect,
};

/// The tree for the least of devices.
const CORE: Flavour = Flavour { tier: Tier::Core, texels: false };

/// The flavours of devices that a kernel can be built for.
fn flavours(kernel: &Kernel) -> impl Iterator<Item = Flavour> {
    let tiers = [Tier::Core, Tier::Subgroup].into_iter().filter(|tier| *tier >= kernel.tier);
    tiers.flat_map(|tier| [false, true].map(|texels| Flavour { tier, texels }))
}

/// Every subset of a kernel's defines that means something.
fn permutations(kernel: &'static Kernel, tier: Tier) -> impl Iterator<Item = Vec<&'static str>> {
    let chosen =
        |set: u32| kernel.defines.iter().enumerate().filter(move |(i, _)| set >> i & 1 == 1).map(|(_, name)| *name);
    (0..1 << kernel.defines.len())
        .map(move |set| chosen(set).collect::<Vec<_>>())
        .filter(move |chosen| sensible(chosen, tier) && rows_of_halves_are_quads(kernel, chosen))
}

/// Whether kernels that are built for rows of whole quads apart are so for rows of f16, which are whole eights.
fn rows_of_halves_are_quads(kernel: &Kernel, chosen: &[&str]) -> bool {
    let quads = |name: &str| kernel.defines.contains(&name).then(|| chosen.contains(&name));
    let input = quads(IN_QUADS).or(quads(QUADS)).unwrap_or(true);
    let output = quads(QUADS).unwrap_or(true);
    (input || !chosen.contains(&IN_HALVES))
        && (output || !(chosen.contains(&OUT_HALVES) || chosen.contains(&RESIDUAL_HALVES)))
}

/// Cooperative matrices and shuffles need subgroups, and one thing multiplies them; what is beside them says nothing without them.
fn sensible(defines: &[&str], tier: Tier) -> bool {
    let has = |name: &str| defines.contains(&name);
    if has("SHUFFLED") && tier == Tier::Core {
        return false;
    }
    // What moments are taken of is f32.
    if has(MOMENTS) && has(OUT_HALVES) {
        return false;
    }
    // Matrices of 8 x 8 and those of two f16 an operand have no activations in f16.
    if has(IN_HALVES) && (has(SPLIT_F16) || has(EIGHTS)) {
        return false;
    }
    if !has(MATRIX) {
        return !(has(SPLIT_F16) || has(EIGHTS) || has(EMULATED));
    }
    !(has(EIGHTS) && has(EMULATED)) && (tier == Tier::Subgroup || has(EMULATED))
}

/// Whether these defines ask for matrices of the device.
fn has_matrices(defines: &[&str]) -> bool {
    defines.contains(&MATRIX) && !defines.contains(&EMULATED)
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

/// A permutation for a flavour.
struct Permuted<'a> {
    kernel: &'static Kernel,
    flavour: Flavour,
    defines: &'a [&'static str],
}

impl Permuted<'_> {
    /// What naga must be able to express.
    fn capabilities(&self) -> Capabilities {
        capabilities(self.flavour.tier) | if has_matrices(self.defines) { FOR_MATRICES } else { Capabilities::empty() }
    }
}

/// Calls `check` with every kernel in every flavour and permutation: a name for messages, the source and its module.
fn every_permutation(mut check: impl FnMut(&Permuted<'_>, &str, &Expanded, &naga::Module)) {
    for kernel in ALL {
        for (flavour, defines) in flavours(kernel).flat_map(|f| permutations(kernel, f.tier).map(move |p| (f, p))) {
            let name = format!("{} {defines:?} {flavour:?}", kernel.name);
            let source = shaders::permutation(kernel, flavour, &defines).unwrap_or_else(|e| panic!("{name}: {e}"));
            let module = reflect::parse(&name, &source).unwrap_or_else(|e| panic!("{e}"));
            check(&Permuted { kernel, flavour, defines: &defines }, &name, &source, &module);
        }
    }
}

/// What naga must be able to express for a tier.
fn capabilities(tier: Tier) -> Capabilities {
    match tier {
        // WebGPU has pack2x16float everywhere.
        Tier::Core => Capabilities::SHADER_FLOAT16_IN_FLOAT32,
        Tier::Subgroup => Capabilities::SHADER_FLOAT16_IN_FLOAT32 | Capabilities::SHADER_INT64 | Capabilities::SUBGROUP,
    }
}

/// And for matrices.
const FOR_MATRICES: Capabilities = Capabilities::COOPERATIVE_MATRIX.union(Capabilities::SHADER_FLOAT16);

#[test]
fn every_permutation_is_valid_within_its_tier() {
    every_permutation(|permuted, name, source, module| {
        reflect::validate(name, source, module, permuted.capabilities()).unwrap_or_else(|e| panic!("{e}"));
        let entry = &module.entry_points[0];
        assert_eq!((entry.name.as_str(), module.entry_points.len()), ("main", 1), "{name}");
        assert!(entry.workgroup_size.iter().product::<u32>() <= 256, "{name}");
        let interface = reflect::interface(name, source).unwrap();
        assert!(interface.bindings.len() <= 9, "{name}: more than 8 storage buffers");
        let workgroup: u32 = module
            .global_variables
            .iter()
            .filter(|(_, v)| v.space == naga::AddressSpace::WorkGroup)
            .map(|(_, v)| module.types[v.ty].inner.size(module.to_ctx()))
            .sum();
        assert!(workgroup <= 16 << 10, "{name}: {workgroup} bytes of workgroup memory");
    });
}

#[test]
fn defects_name_file_and_line() {
    let kernel = Kernel::new::<Lane>("no_such_kernel", |_| {});
    assert_eq!(
        shaders::permutation(&kernel, CORE, &[]).unwrap_err().to_string(),
        "shaders/no_such_kernel.wgsl does not exist"
    );
    let line = |file: &str, words: &str| {
        let (_, text) = SOURCES.iter().find(|(path, _)| *path == file).unwrap();
        text.lines().position(|line| line.contains(words)).unwrap() + 1
    };
    // A fragment that needs a define of kernels over `Value`s.
    let error = shaders::fragment("lib/values.wgsl:value", CORE).unwrap_err().to_string();
    let at = line("lib/values.wgsl", "#ifdef QUADS");
    assert!(error.starts_with(&format!("shaders/lib/values.wgsl:{at}: unknown define \"QUADS\"")), "{error}");
    // A fragment that needs declarations of the kernel which imports it.
    let source = shaders::fragment("lib/weights.wgsl:weight", CORE).unwrap();
    let error = reflect::parse("weight", &source).unwrap_err().to_string();
    let at = line("lib/weights.wgsl", "= weights[");
    let expected = format!("\n  shaders/lib/weights.wgsl:{at}:16: unknown identifier\n    let base = weights[");
    assert!(error.contains("no definition in scope for identifier: `weights`") && error.contains(&expected), "{error}");
    // What only the validator sees: 64-bit integers on the core tier.
    let source = shaders::fragment("lib/stream.wgsl:mulhi", Flavour { tier: Tier::Subgroup, ..CORE }).unwrap();
    let module = reflect::parse("mulhi", &source).unwrap();
    let error = reflect::validate("mulhi", &source, &module, capabilities(Tier::Core)).unwrap_err().to_string();
    assert!(error.contains("\n  shaders/lib/stream.wgsl:"), "{error}");
    // A section that isn't there.
    let error = shaders::fragment("lib/stream.wgsl:mull", CORE).unwrap_err().to_string();
    assert_eq!(error, "shaders/lib/stream.wgsl:mull does not exist");
    let unlisted = shaders::permutation(&softmax_xent::KERNEL, CORE, &[QUADS]).unwrap_err();
    assert_eq!(unlisted.to_string(), "the row of kernel softmax_xent lists no define QUADS");
}

/// What a reader wants to know first: what is computed, how it is launched, what it reads and writes.
#[test]
fn every_kernel_begins_with_its_dispatch_and_traffic() {
    for (path, text) in SOURCES.iter().filter(|(path, _)| !path.contains('/')) {
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with("//")).collect();
        let head = head.join(" ");
        let says = |words: &[&str]| words.iter().any(|word| head.contains(word));
        assert!(says(&["Launch", "launch", "Dispatch", "workgroup"]), "{path} doesn't say how it is launched");
        assert!(says(&["Traffic"]), "{path} doesn't say what traffic it causes");
    }
    for (path, text) in SOURCES {
        let long = text.lines().position(|line| line.chars().count() > 140).map(|at| at + 1);
        assert!(long.is_none(), "{path}:{} has more than 140 characters", long.unwrap_or(0));
    }
}

#[test]
fn the_table_has_a_row_for_every_kernel() {
    let mut listed: Vec<&str> = ALL.iter().map(|kernel| kernel.name).collect();
    listed.sort_unstable();
    let outside_lib = SOURCES.iter().filter(|(path, _)| !path.contains('/'));
    let files: Vec<&str> = outside_lib.map(|(path, _)| path.strip_suffix(".wgsl").unwrap()).collect();
    assert_eq!(listed, files);
}

/// Members of a struct that naga read, as a host struct lists its own.
fn members<'a>(module: &'a naga::Module, members: &'a [naga::StructMember]) -> Vec<(&'a str, u32, &'a str)> {
    let kind = |ty| match module.types[ty].inner {
        naga::TypeInner::Struct { .. } => module.types[ty].name.as_deref().unwrap(),
        naga::TypeInner::Scalar(naga::Scalar::U32) => "u32",
        naga::TypeInner::Scalar(naga::Scalar::I32) => "i32",
        naga::TypeInner::Scalar(naga::Scalar::F32) => "f32",
        ref other => panic!("{other:?} crosses from host to shader"),
    };
    members.iter().map(|m| (m.name.as_deref().unwrap(), m.offset, kind(m.ty))).collect()
}

/// Compares a struct of a module with the host's.
fn compare(name: &str, module: &naga::Module, ty: naga::Handle<naga::Type>, host: &StructLayout) {
    let naga::TypeInner::Struct { members: found, span } = &module.types[ty].inner else {
        panic!("{name} is no struct")
    };
    let expected: Vec<_> = host.members.iter().map(|m| (m.name, m.offset, m.kind)).collect();
    assert_eq!(members(module, found), expected, "{name}");
    assert_eq!(*span, host.bytes, "{name}");
}

#[test]
fn host_structs_have_the_layout_of_the_uniform_blocks() {
    every_permutation(|permuted, name, _, module| {
        let uniform = module.global_variables.iter().find(|(_, v)| v.space == naga::AddressSpace::Uniform);
        compare(name, module, uniform.unwrap().1.ty, permuted.kernel.params);
    });
}

#[test]
fn structs_that_kernels_share_have_the_layout_of_their_twins() {
    every_permutation(|_, name, _, module| {
        for (shared, layout) in [("Lane", Lane::LAYOUT), ("Cut", Cut::LAYOUT), ("Sizes", Sizes::LAYOUT)] {
            for (found, _) in module.types.iter().filter(|(_, t)| t.name.as_deref() == Some(shared)) {
                compare(name, module, found, layout);
            }
        }
    });
}
