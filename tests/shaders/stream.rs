//! The WGSL fragments are valid once their imports are expanded, in both tiers.

use zowarmup::caps::Tier;
use zowarmup::shaders::{Flavour, fragment, reflect};

/// All that the stream is made of.
const NAME: &str = "lib/stream.wgsl:elements";

#[test]
fn fragments_are_valid_wgsl() {
    for tier in [Tier::Core, Tier::Subgroup] {
        let source = fragment(NAME, Flavour { tier, texels: false }).unwrap();
        let module = reflect::parse(NAME, &source).unwrap();
        let wide = naga::valid::Capabilities::SHADER_INT64;
        let capabilities = if tier == Tier::Subgroup { wide } else { naga::valid::Capabilities::empty() };
        reflect::validate(NAME, &source, &module, capabilities).unwrap();
        let has = |wanted: &str| module.functions.iter().any(|(_, f)| f.name.as_deref() == Some(wanted));
        for name in
            ["philox", "stream_element", "rademacher_block", "binomial_block", "gaussian_block", "uniform_block"]
        {
            assert!(has(name), "{name}");
        }
    }
}
