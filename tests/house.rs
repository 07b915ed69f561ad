//! The house: modules use only those above them in the table of docs/architecture.md, and only `device` imports wgpu.

use std::collections::BTreeMap;
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
