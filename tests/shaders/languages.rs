//! naga writes every kernel, in every flavour and permutation, in the languages of the backends: SPIR-V (Vulkan), MSL (Metal), HLSL
//! (Direct3D 12) and GLSL ES (OpenGL). What one of them can't say would show on a user's machine only.
//!
//! Left out: GLSL of the subgroup tier, since naga has no 64-bit integers there and wgpu offers that tier on no OpenGL adapter; HLSL of
//! cooperative matrices, which naga can't write, and MSL of those of 16 x 16, which Metal doesn't have.

use naga::back::{glsl, hlsl, msl, spv};
use naga::valid::ModuleInfo;
use zowarmup::caps::Tier;
use zowarmup::kernels::lib::matrix::EIGHTS;
use zowarmup::shaders::reflect;

use super::{every_permutation, has_matrices};

/// A module without overrides, each at the value that the source gives it.
fn resolved(name: &str, module: &naga::Module, info: &ModuleInfo) -> (naga::Module, ModuleInfo) {
    let (module, info) = naga::back::pipeline_constants::process_overrides(module, info, None, &Default::default())
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    (module.into_owned(), info.into_owned())
}

fn spirv(module: &naga::Module, info: &ModuleInfo) -> Result<usize, String> {
    spv::write_vec(module, info, &spv::Options::default(), None).map(|words| words.len()).map_err(|e| e.to_string())
}

/// MSL 2.3: the least with 64-bit integers.
fn metal(module: &naga::Module, info: &ModuleInfo) -> Result<usize, String> {
    let options = msl::Options { lang_version: (2, 3), ..Default::default() };
    let (text, translation) =
        msl::write_string(module, info, &options, &Default::default()).map_err(|e| e.to_string())?;
    // Of entry points, errors come by themselves.
    translation.entry_point_names.into_iter().collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    Ok(text.len())
}

/// Shader model 5.1, and 6.0 for subgroups.
fn direct3d(tier: Tier, module: &naga::Module, info: &ModuleInfo) -> Result<usize, String> {
    let shader_model = match tier {
        Tier::Core => hlsl::ShaderModel::V5_1,
        Tier::Subgroup => hlsl::ShaderModel::V6_0,
    };
    let (mut text, options) = (String::new(), hlsl::Options { shader_model, ..Default::default() });
    let pipeline = hlsl::PipelineOptions::default();
    let reflection =
        hlsl::Writer::new(&mut text, &options, &pipeline).write(module, info, None).map_err(|e| e.to_string())?;
    reflection.entry_point_names.into_iter().collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    Ok(text.len())
}

/// GLSL ES 3.1: the least with compute shaders.
fn opengl(module: &naga::Module, info: &ModuleInfo) -> Result<usize, String> {
    let (mut text, options) = (String::new(), glsl::Options::default());
    let shader_stage = naga::ShaderStage::Compute;
    let pipeline = glsl::PipelineOptions { shader_stage, entry_point: "main".to_owned(), multiview: None };
    let bounds = naga::proc::BoundsCheckPolicies::default();
    let mut writer =
        glsl::Writer::new(&mut text, module, info, &options, &pipeline, bounds).map_err(|e| e.to_string())?;
    writer.write().map_err(|e| e.to_string())?;
    Ok(text.len())
}

#[test]
fn every_permutation_can_be_written_for_every_backend() {
    let mut refused = Vec::new();
    every_permutation(|permuted, name, source, module| {
        let tier = permuted.flavour.tier;
        let info = reflect::validate(name, source, module, permuted.capabilities()).unwrap();
        let (module, info) = resolved(name, module, &info);
        let mut all = vec![("SPIR-V", spirv(&module, &info))];
        if !has_matrices(permuted.defines) || permuted.defines.contains(&EIGHTS) {
            all.push(("MSL", metal(&module, &info)));
        }
        if !has_matrices(permuted.defines) {
            all.push(("HLSL", direct3d(tier, &module, &info)));
        }
        if tier == Tier::Core {
            all.push(("GLSL", opengl(&module, &info)));
        }
        for (language, written) in all {
            match written {
                Ok(length) => assert!(length > 0, "{name}: no {language}"),
                Err(why) => refused.push(format!("{language} {name}: {why}")),
            }
        }
    });
    assert!(refused.is_empty(), "{} refused:\n{}", refused.len(), refused.join("\n"));
}
