//! Embeds the files below `shaders/`, lists the kernels, and names the commit in `zowarmup --version`. Outside a git checkout the version stands alone.
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    embed_shaders()?;
    list_kernels()?;
    name_commit();
    println!("cargo::rerun-if-changed=tools/build.rs");
    Ok(())
}

/// Writes `shaders.rs`, which `src/shaders/mod.rs` includes: a list of the paths below `shaders/` and the files' contents.
fn embed_shaders() -> io::Result<()> {
    let folder = |variable| env::var_os(variable).map(PathBuf::from).ok_or(io::ErrorKind::NotFound);
    let root = folder("CARGO_MANIFEST_DIR")?.join("shaders");
    let mut files = Vec::new();
    collect(&root, &root, &mut files)?;
    files.sort();
    let row = |(name, path): &(String, PathBuf)| format!("    ({name:?}, include_str!({path:?})),\n");
    let rows: String = files.iter().map(row).collect();
    let list = format!(
        "/// Every file below `shaders/`: path and content, in the order of the paths.\npub const SOURCES: preprocess::Tree = &[\n{rows}];\n"
    );
    // A folder's time changes with the files in it.
    println!("cargo::rerun-if-changed=shaders");
    let target = folder("OUT_DIR")?.join("shaders.rs");
    if fs::read_to_string(&target).is_ok_and(|there| there == list) { Ok(()) } else { fs::write(target, list) }
}

/// Adds the WGSL files below `folder`, with their paths below `root`, `/` between the parts.
fn collect(folder: &Path, root: &Path, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, root, files)?;
        } else if path.extension().is_some_and(|end| end == "wgsl") {
            let below = path.strip_prefix(root).map_err(io::Error::other)?;
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
            files.push((parts.join("/"), path));
        }
    }
    Ok(())
}

/// Sets `ZOWARMUP_COMMIT`, anew when another commit is checked out.
fn name_commit() {
    println!(
        "cargo::rustc-env=ZOWARMUP_COMMIT={}",
        git(&["rev-parse", "--short=12", "HEAD"]).as_deref().unwrap_or("unknown")
    );
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD"].into_iter().chain(branch.as_deref()) {
        // A path that doesn't exist would rerun this script at every build.
        if let Some(path) = git(&["rev-parse", "--git-path", name]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

/// What git answers; None where there is no git or no checkout.
fn git(arguments: &[&str]) -> Option<String> {
    let out = Command::new("git").args(arguments).output().ok().filter(|out| out.status.success())?;
    String::from_utf8(out.stdout).ok().map(|text| text.trim().to_owned())
}

/// Declares the module of every file of `src/kernels`, each of which has a shader of its name, and lists their kernels and self-test
/// cases, in `kernels.rs` of the output folder.
fn list_kernels() -> io::Result<()> {
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
            .and_then(|()| writeln!(rows, "        &{name}::KERNEL,"))
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
        rows += &format!("        &{row},\n");
    }
    let text = format!(
        "{modules}
/// Every kernel, by name.
pub fn all() -> Vec<&'static crate::recording::kernel::Kernel> {{
    vec![
{rows}    ]
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
