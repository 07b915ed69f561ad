//! Embeds the files below `shaders/`, finds the kernels of `src/kernels/`, and says where the binary finds the commit that
//! `zowarmup --version` names.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    embed_shaders()?;
    list_kernels()?;
    name_commit()?;
    println!("cargo::rerun-if-changed=tools/build.rs");
    Ok(())
}

/// Writes `shaders.rs`, which `src/shaders/mod.rs` includes: a list of the paths below `shaders/` and the files' contents.
fn embed_shaders() -> io::Result<()> {
    let root = folder("CARGO_MANIFEST_DIR")?.join("shaders");
    let mut files = Vec::new();
    collect(&root, &root, &mut files)?;
    files.sort();
    let row = |(name, path): &(String, PathBuf)| format!("    ({name:?}, include_str!({path:?})),\n");
    let rows: String = files.iter().map(row).collect();
    let list = format!(
        "/// Every file below `shaders/`: path and content, in the order of the paths.\npub const SOURCES: Tree = &[\n{rows}];\n"
    );
    // A folder's time changes with the files in it.
    println!("cargo::rerun-if-changed=shaders");
    generate("shaders.rs", &list)
}

/// Writes `kernels.rs`, which `src/kernels/mod.rs` includes: the module of every file of `src/kernels`, each of which has a shader of its
/// name, and lists of their kernels and self-test cases.
fn list_kernels() -> io::Result<()> {
    let root = folder("CARGO_MANIFEST_DIR")?;
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join("src/kernels"))? {
        let path = entry?.path();
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if path.extension().is_none_or(|end| end != "rs") || name == "mod" {
            continue;
        }
        if !root.join(format!("shaders/{name}.wgsl")).exists() {
            return Err(io::Error::other(format!("src/kernels/{name}.rs: there is no shaders/{name}.wgsl")));
        }
        files.push((name, path));
    }
    files.sort();
    let lines = |line: fn(&str, &Path) -> String| files.iter().map(|(name, path)| line(name, path)).collect::<String>();
    let modules = lines(|name, path| format!("#[path = {path:?}]\npub mod {name};\n"));
    let rows = lines(|name, _| format!("    &{name}::KERNEL,\n"));
    let cases = lines(|name, _| format!("        {name}::cases(),\n"));
    let list = format!(
        "{modules}
/// The table: every kernel once.
pub static ALL: &[&crate::recording::kernel::Kernel] = &[
{rows}];

/// Every self-test case, kernel by kernel.
pub fn cases() -> Vec<lib::Case> {{
    let cases = [
{cases}    ];
    cases.into_iter().flatten().collect()
}}
"
    );
    println!("cargo::rerun-if-changed=src/kernels");
    generate("kernels.rs", &list)
}

/// A folder that cargo names in a variable.
fn folder(variable: &str) -> io::Result<PathBuf> {
    Ok(env::var_os(variable).map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?)
}

/// Writes a file for the crate to include, unless it is there already.
fn generate(name: &str, text: &str) -> io::Result<()> {
    let target = folder("OUT_DIR")?.join(name);
    if fs::read_to_string(&target).is_ok_and(|there| there == text) { Ok(()) } else { fs::write(target, text) }
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

/// Sets `ZOWARMUP_COMMIT_FILE`, whose last line names the commit: git's log of what is checked out, else a file that is written here. Only
/// the binary reads it and is compiled anew when it changes; a script that ran again would have the library compiled, too. Debug builds
/// name no commit: every test would be linked anew with the binary.
fn name_commit() -> io::Result<()> {
    let debug = env::var("PROFILE").is_ok_and(|profile| profile == "debug");
    // A log may be switched off, or nothing be left in it.
    let log = || git(&["rev-parse", "--git-path", "logs/HEAD"]).and_then(|path| fs::canonicalize(path).ok());
    let used = |path: &PathBuf| fs::metadata(path).is_ok_and(|file| file.len() > 0);
    let file = match log().filter(used) {
        Some(log) if !debug => log,
        _ => {
            let commit = if debug { Some("debug build".to_owned()) } else { git(&["rev-parse", "--short=12", "HEAD"]) };
            generate("commit", commit.as_deref().unwrap_or("unknown"))?;
            folder("OUT_DIR")?.join("commit")
        }
    };
    println!("cargo::rustc-env=ZOWARMUP_COMMIT_FILE={}", file.display());
    Ok(())
}

/// What git answers; None where there is no git or no checkout.
fn git(arguments: &[&str]) -> Option<String> {
    let out = Command::new("git").args(arguments).output().ok().filter(|out| out.status.success())?;
    String::from_utf8(out.stdout).ok().map(|text| text.trim().to_owned())
}
