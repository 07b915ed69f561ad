//! Running tests in every flavour of kernels, and in the subgroup sizes that Mesa's software adapter can be told to have.
#![allow(dead_code, unused_macros, unused_imports, reason = "each test binary uses a part")]

use std::process::Command;

use zowarmup::caps::Tier;
use zowarmup::device::testing;

/// A test a flavour: `flavours!(check)` makes tests that call `check` with the flavour's tier and source of operands.
macro_rules! flavours {
    ($check:ident) => {
        mod flavours {
            use zowarmup::caps::{OperandSource, Tier};

            #[test]
            fn core_buffer() {
                super::$check(Tier::Core, OperandSource::Buffer);
            }
            #[test]
            fn core_texel() {
                super::$check(Tier::Core, OperandSource::Texel);
            }
            #[test]
            fn subgroup_buffer() {
                super::$check(Tier::Subgroup, OperandSource::Buffer);
            }
            #[test]
            fn subgroup_texel() {
                super::$check(Tier::Subgroup, OperandSource::Texel);
            }
        }
    };
}
pub(crate) use flavours;

/// A test a subgroup size of 4, 8 and 16: `subgroups!(NAME)` makes tests that run the ignored test of that name in each but the device's own
/// size, which the flavours' tests have.
macro_rules! subgroups {
    ($test:ident) => {
        fn subgroups_of(size: u32) {
            if flavour_support::subgroup_size() == size {
                println!("subgroups of {size} are what the flavours' tests have");
            } else {
                flavour_support::in_subgroups_of(size, $test);
            }
        }

        #[test]
        fn subgroups_of_4() {
            subgroups_of(4);
        }
        #[test]
        fn subgroups_of_8() {
            subgroups_of(8);
        }
        #[test]
        fn subgroups_of_16() {
            subgroups_of(16);
        }
    };
}
pub(crate) use subgroups;

/// Runs an ignored test of this binary in a process whose software adapter has subgroups of `size`, the size that the driver makes of its
/// vector width. The test prints [`ran`]'s line, which shows that it ran with that size.
pub fn in_subgroups_of(size: u32, test: &str) {
    let info = testing::device().info().clone();
    if !info.name.starts_with("llvmpipe") {
        println!("skipped: {} has subgroups of one size, {}", info.name, info.subgroup_size);
        return;
    }
    let width = 32 * size;
    // The driver's cache of compiled shaders doesn't tell widths apart: each has one of its own.
    let cache = format!("{}/subgroups-of-{size}", env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(&cache).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("LP_NATIVE_VECTOR_WIDTH", width.to_string())
        .env("MESA_SHADER_CACHE_DIR", cache)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "subgroups of {size}:\n{out}\n{err}");
    let line = ran(test, size);
    assert!(out.lines().any(|l| l.ends_with(&line)), "no line {line:?} in:\n{out}");
}

/// Whether everything runs everywhere (`tools/test.sh --all`). Else flavours and sizes other than the device's own run what differs in them
/// most: on a software adapter each shader takes a second to compile.
pub fn everything() -> bool {
    std::env::var_os("ZOWARMUP_TEST_ALL").is_some()
}

/// What a test says at its end that [`in_subgroups_of`] started.
pub fn ran(test: &str, size: u32) -> String {
    format!("{test}: done with subgroups of {size}")
}

/// The subgroup size of the tests' device.
pub fn subgroup_size() -> u32 {
    let info = testing::device().info().clone();
    if info.tier == Tier::Subgroup { info.subgroup_size } else { 0 }
}
