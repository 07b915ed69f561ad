//! Names the commit in `zowarmup --version` (outside a git checkout the version stands alone), and lists the kernels.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let commit = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .ok()
        .filter(|out| out.status.success())
        .and_then(|out| String::from_utf8(out.stdout).ok())
        .map(|text| text.trim().to_owned())
        .unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=ZOWARMUP_COMMIT={commit}");
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/refs/heads");
    println!("cargo::rerun-if-changed=tools/build.rs");
    kernels()
}

/// Declares the module of every file of `src/kernels`, each of which has a shader of its name, and lists their kernels and self-test
/// cases, in `kernels.rs` of the output folder.
fn kernels() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src/kernels");
    let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
    let variable = |name: &str| env::var(name).map_err(|e| invalid(format!("{name}: {e}")));
    let (root, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
    let mut names = Vec::new();
    for entry in fs::read_dir(Path::new(&root).join("src/kernels"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "rs")
            && let Some(name) = path.file_stem().and_then(|n| n.to_str())
            && !["mod", "conv_grad", "linear_grad", "layer_norm", "norm"].contains(&name)
        {
            if !Path::new(&root).join(format!("shaders/{name}.wgsl")).exists() {
                return Err(invalid(format!("src/kernels/{name}.rs: there is no shaders/{name}.wgsl")));
            }
            names.push((name.to_owned(), path));
        }
    }
    names.sort();
    let (mut modules, mut rows, mut cases) = (String::new(), String::new(), String::new());
    for (name, path) in names {
        let written = writeln!(modules, "#[path = {path:?}]\npub mod {name};")
            .and_then(|()| writeln!(rows, "        values::Rows::rows(&{name}::KERNEL),"))
            .and_then(|()| writeln!(cases, "        {name}::cases(),"));
        written.map_err(|e| invalid(e.to_string()))?;
    }
    for row in [
        "norm::GROUP_NORM_STATS",
        "norm::GROUP_NORM_MOMENTS",
        "norm::BATCH_NORM_STATS",
        "norm::BATCH_NORM_MOMENTS",
        "norm::RUNNING_NORM_STATS",
        "norm::NORM_APPLY",
        "norm::NORM_GRAD_PARAMS",
        "norm::GROUP_NORM_GRAD",
        "norm::BATCH_NORM_GRAD",
        "norm::RUNNING_UPDATE",
        "layer_norm::LAYER_NORM",
        "layer_norm::LAYER_NORM_GRAD",
        "layer_norm::LAYER_NORM_GRAD_PARAMS",
        "linear_grad::LINEAR_GRAD_INPUT",
        "linear_grad::LINEAR_GRAD_WEIGHT",
        "linear_grad::BIAS_GRAD",
        "conv_grad::CONV_GRAD_INPUT",
        "conv_grad::CONV_GRAD_WEIGHT",
    ] {
        rows += &format!("        values::Rows::rows(&{row}),\n");
    }
    let text = format!(
        "{modules}
/// Every kernel, by name.
pub fn all() -> Vec<&'static crate::recording::kernel::Kernel> {{
    [
{rows}    ]
    .into_iter()
    .flatten()
    .collect()
}}

/// Every self-test case, kernel by kernel.
pub fn cases() -> Vec<lib::Case> {{
    [
{cases}    ]
    .into_iter()
    .flatten()
    .collect()
}}
"
    );
    fs::write(Path::new(&out).join("kernels.rs"), text)
}
