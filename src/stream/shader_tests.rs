//! The WGSL fragments are valid once their imports are expanded, in both tiers.

use crate::caps::Tier;
use crate::shaders::{Flavour, expand};

#[test]
fn fragments_are_valid_wgsl() {
    for tier in [Tier::Core, Tier::Subgroup] {
        let source = expand("lib/stream", Flavour { tier, texels: false }).unwrap();
        let module = naga::front::wgsl::parse_str(&source).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&source)));
        let wide = naga::valid::Capabilities::SHADER_INT64;
        let capabilities = if tier == Tier::Subgroup { wide } else { naga::valid::Capabilities::empty() };
        naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities).validate(&module).unwrap();
        let has = |wanted: &str| module.functions.iter().any(|(_, f)| f.name.as_deref() == Some(wanted));
        for name in
            ["philox", "stream_element", "rademacher_block", "binomial_block", "gaussian_block", "uniform_block"]
        {
            assert!(has(name), "{name}");
        }
    }
}
