//! The WGSL fragments are valid once their imports are expanded, with either form of the wide product.

use std::collections::HashSet;

fn expand(name: &str, wide: bool, seen: &mut HashSet<String>, out: &mut String) {
    let name = if wide && name == "lib/mulhi_u32.wgsl" {
        "lib/mulhi_u64.wgsl"
    } else {
        name
    };
    if !seen.insert(name.to_owned()) {
        return;
    }
    let text =
        std::fs::read_to_string(format!("{}/shaders/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    for line in text.lines() {
        match line.strip_prefix("#import ") {
            Some(import) => expand(import.trim(), wide, seen, out),
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
}

#[test]
fn fragments_are_valid_wgsl() {
    for wide in [false, true] {
        let mut source = String::new();
        expand("lib/stream.wgsl", wide, &mut HashSet::new(), &mut source);
        let module = naga::front::wgsl::parse_str(&source)
            .unwrap_or_else(|e| panic!("{}", e.emit_to_string(&source)));
        let capabilities = if wide {
            naga::valid::Capabilities::SHADER_INT64
        } else {
            naga::valid::Capabilities::empty()
        };
        naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities)
            .validate(&module)
            .unwrap();
        let has = |wanted: &str| {
            module
                .functions
                .iter()
                .any(|(_, f)| f.name.as_deref() == Some(wanted))
        };
        for name in [
            "philox",
            "stream_element",
            "rademacher_block",
            "binomial_block",
            "gaussian_block",
            "uniform_block",
        ] {
            assert!(has(name), "{name}");
        }
    }
}
