//! Every kernel against its CPU twin on the default adapter. Cases are dealt to a few tests, so that they run side by side: most of
//! the time goes into compiling pipelines.

use zowarmup::device::{self, Selection};
use zowarmup::selftest;

const PARTS: usize = 4;

fn kernels_agree_with_their_twins(part: usize) {
    let mut device = device::open(&Selection::default()).unwrap();
    println!("{:?}", device.info());
    let cases: Vec<_> = selftest::cases().into_iter().skip(part).step_by(PARTS).collect();
    let mut failed = 0;
    for r in selftest::run(device.as_mut(), &cases) {
        println!("{:60} error {:9.2e} tolerance {:9.2e}", r.name, r.error, r.tolerance);
        if !r.passed {
            failed += 1;
            let why = r.failure.as_deref().unwrap_or("");
            eprintln!("{}: error {:e}, tolerance {:e} {why}", r.name, r.error, r.tolerance);
        }
    }
    assert_eq!(failed, 0, "of {} cases", cases.len());
}

#[test]
fn kernels_agree_with_their_twins_1() {
    kernels_agree_with_their_twins(0);
}

#[test]
fn kernels_agree_with_their_twins_2() {
    kernels_agree_with_their_twins(1);
}

#[test]
fn kernels_agree_with_their_twins_3() {
    kernels_agree_with_their_twins(2);
}

#[test]
fn kernels_agree_with_their_twins_4() {
    kernels_agree_with_their_twins(3);
}
