//! Embeds the files below `shaders/`, and names the commit in `zowarmup --version`. Outside a git checkout the version stands alone.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    embed_shaders()?;
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
