//! Every kernel against its CPU twin on the default adapter.

use zowarmup::device::{self, Selection};
use zowarmup::selftest;

#[test]
fn kernels_agree_with_their_twins() {
    let mut device = device::open(&Selection::default()).unwrap();
    println!("{:?}", device.info());
    let results = selftest::run(device.as_mut(), &selftest::cases());
    let mut failed = 0;
    for r in &results {
        println!("{:60} error {:9.2e} tolerance {:9.2e}", r.name, r.error, r.tolerance);
        if !r.passed {
            failed += 1;
            eprintln!(
                "{}: error {:e}, tolerance {:e} {}",
                r.name,
                r.error,
                r.tolerance,
                r.failure.as_deref().unwrap_or("")
            );
        }
    }
    assert_eq!(failed, 0, "of {} cases", results.len());
}
