//! The house: modules use only those above them in the table of docs/architecture.md, only `device` imports wgpu, only `layers` tells kinds of
//! layers apart, only `cli::outfile` writes what commands are told to write.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The modules in the order of the table under "## Modules", whose rows begin with `| `name` |`.
fn order() -> Vec<String> {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let section = text.split("\n## Modules\n").nth(1).expect("docs/architecture.md has a section \"Modules\"");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let names = rows.flat_map(|cell| cell.split(", ")).filter_map(|name| name.strip_prefix('`')?.strip_suffix('`'));
    names.map(str::to_owned).collect()
}

/// Every source file of the library with its module.
fn sources() -> Vec<(String, PathBuf)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let src = root().join("src");
    let mut found = Vec::new();
    walk(&src, &mut found);
    found.sort();
    let module = |path: &Path| {
        let first = path.strip_prefix(&src).unwrap().components().next().unwrap();
        first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
    };
    found.into_iter().map(|path| (module(&path), path)).filter(|(m, _)| m != "lib" && m != "main").collect()
}

/// The modules that a file names in code (comments aside), each with a line it stands in.
fn names(text: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for rest in code.split("crate::").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                found.entry(name).or_insert(number + 1);
            }
        }
    }
    found
}

#[test]
fn modules_use_only_those_above_them() {
    let order = order();
    let place = |module: &str| order.iter().position(|m| m == module);
    let sources = sources();
    assert!(sources.len() > 100 && order.len() > 15, "{} files, {} modules", sources.len(), order.len());
    let mut wrong = Vec::new();
    for (module, path) in &sources {
        let own =
            place(module).unwrap_or_else(|| panic!("module {module} is not in the table of docs/architecture.md"));
        let file = path.strip_prefix(root()).unwrap().display();
        for (used, line) in names(&fs::read_to_string(path).unwrap()) {
            match place(&used) {
                Some(other) if other <= own => {}
                Some(_) => wrong.push(format!("{file}:{line}: {module} uses {used}, which stands below it")),
                None => wrong.push(format!("{file}:{line}: crate::{used} is no module of the table")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for module in &order {
        assert!(sources.iter().any(|(m, _)| m == module), "the table names a module {module} that src/ lacks");
    }
}

#[test]
fn only_device_imports_wgpu() {
    for (module, path) in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
        let named = code.into_iter().any(|line| line.contains("wgpu::"));
        assert!(!named || module == "device", "{} names wgpu", path.display());
    }
}

/// What a command is told to write goes through `cli::outfile`, which knows what may be replaced and follows links.
#[test]
fn only_outfile_writes_what_commands_are_told_to() {
    for (module, path) in sources().into_iter().filter(|(module, _)| module == "cli" || module == "report") {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let exempt = path.ends_with("cli/outfile.rs") || path.ends_with("tests.rs");
        for word in ["write_whole", "fs::write", "File::create", "OpenOptions", "fs::rename", "fs::copy"] {
            assert!(exempt || !code.contains(word), "{module}: {} has {word}", path.display());
        }
    }
}

/// A kind of layer is one file and one row: nobody else matches on kinds, and those that do name each.
#[test]
fn only_layers_tells_kinds_of_layers_apart() {
    for (module, path) in sources().into_iter().filter(|(module, _)| module != "layers") {
        let text = fs::read_to_string(&path).unwrap();
        // Unit tests, which stand at a file's end or in a folder, may look at what a graph has become.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let of_tests = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
        for (number, line) in code.lines().enumerate().filter(|_| !of_tests) {
            let line = line.split("//").next().unwrap_or_default();
            let arm = |name: &str| line.split(name).skip(1).any(|rest| rest.starts_with(|c: char| c.is_uppercase()));
            let named = arm("Layer::") || arm("LayerSpec::");
            assert!(!named, "{module}: {}:{} names a kind of layer", path.display(), number + 1);
        }
    }
}

/// Every file of `src/layers/kinds` has a row; the match over kinds that the rows make has no wildcard.
#[test]
fn a_layer_kind_is_a_file_and_a_row() {
    let folder = root().join("src/layers/kinds");
    let table = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let code: String =
        table.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect();
    assert!(!code.contains("_ =>"), "a wildcard in the table of kinds");
    let (_, rows) = code.split_once("\nkinds! {\n").expect("the table of kinds");
    let rows: Vec<&str> =
        rows.split("\n}").next().unwrap_or_default().lines().filter(|l| !l.trim().is_empty()).collect();
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".rs");
        if name != "mod" {
            files += 1;
            let of_file = rows.iter().filter(|row| row.trim_start().starts_with(&format!("{name}:"))).count();
            assert_eq!(of_file, 1, "rows of {name}");
        }
    }
    assert_eq!(files, rows.len());
    assert!(files > 15, "{files} kinds");
}

/// Devices, and all that holds one, may go from thread to thread.
#[test]
fn devices_may_change_threads() {
    fn may<T: Send + ?Sized>() {}
    may::<dyn zowarmup::device::Device>();
    may::<zowarmup::engine::Workspace>();
    may::<zowarmup::engine::Engine>();
    let device = zowarmup::device::open(&zowarmup::device::Selection::of("reference")).unwrap();
    let name = std::thread::spawn(move || device.info().name.clone()).join().unwrap();
    assert!(!name.is_empty());
}

/// Names of a folder's files that end so, without their end, in order.
fn stems(folder: &Path, end: &str) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter_map(|name| Some(name.strip_suffix(end)?.to_owned())).collect();
    names.sort();
    names
}

/// A kernel is two files of one name.
#[test]
fn a_kernel_is_a_shader_and_a_source_file() {
    let sources = stems(&root().join("src/kernels"), ".rs");
    let kernels: Vec<String> = sources.into_iter().filter(|name| name != "mod").collect();
    assert_eq!(stems(&root().join("shaders"), ".wgsl"), kernels);
}

/// What kernels share lies in a few files by subject, which the table of docs/architecture.md lists; nothing is there for nobody.
#[test]
fn shared_shaders_are_few_files_of_sections_that_are_imported() {
    let shaders = root().join("shaders");
    let files = |folder: &Path| -> Vec<String> {
        stems(folder, ".wgsl")
            .iter()
            .map(|name| fs::read_to_string(folder.join(format!("{name}.wgsl"))).unwrap())
            .collect()
    };
    let subjects = stems(&shaders.join("lib"), ".wgsl");
    let (kernels, shared) = (files(&shaders), files(&shaders.join("lib")));
    assert!(kernels.len() + shared.len() <= 110, "{} kernels, {} shared files", kernels.len(), shared.len());
    let lines = kernels.iter().chain(&shared).flat_map(|text| text.lines());
    let imports: BTreeSet<&str> = lines.filter_map(|line| line.trim().strip_prefix("#import ")).collect();
    for (name, text) in subjects.iter().zip(&shared) {
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("// "), "lib/{name}.wgsl doesn't say what belongs in it");
        assert!(lines.len() <= 250, "lib/{name}.wgsl has {} lines: more than one subject's", lines.len());
        let mut sections = 0;
        for pair in lines.windows(2) {
            let Some(section) = pair[0].strip_prefix("#section ") else { continue };
            let section = format!("lib/{name}.wgsl:{section}");
            sections += 1;
            assert!(pair[1].starts_with("// "), "{section} doesn't say what it is");
            assert!(imports.contains(section.as_str()), "no shader imports {section}");
        }
        assert!(sections > 0, "lib/{name}.wgsl has no section");
    }
    let table = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let listed = table.lines().filter_map(|line| line.strip_prefix("| `lib/")?.split_once(".wgsl` | "));
    let mut listed: Vec<&str> = listed.map(|(name, _)| name).collect();
    listed.sort_unstable();
    assert_eq!(listed, subjects, "the table of docs/architecture.md");
}
