//! Runs the entries of `zowarmup bench` under criterion. As a test (without cargo bench's `--bench`) each runs once, small.

use std::time::Duration;

use criterion::Criterion;
use zowarmup::bench::{self, BenchError, Options};
use zowarmup::device::{Selection, open};

/// Checks and measures the workloads whose names `wanted` takes.
pub fn measure(wanted: fn(&str) -> bool) {
    if let Err(error) = try_measure(wanted) {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

fn try_measure(wanted: fn(&str) -> bool) -> Result<(), BenchError> {
    let small = !std::env::args().any(|argument| argument == "--bench");
    let options = Options { small, ..Options::default() };
    let mut criterion = Criterion::default().sample_size(15).configure_from_args();
    let mut engine = bench::engine(open(&Selection::resolve(None, "", None)?)?)?;
    let fits = |entry: &&bench::Entry| (small || !entry.large) && entry.names.iter().any(|name| wanted(name));
    for entry in bench::ENTRIES.iter().filter(fits) {
        let prepared = (entry.prepare)(&mut engine, &options)?;
        for mut workload in prepared.workloads {
            bench::check(&mut engine, workload.name, workload.check)?;
            criterion.bench_function(workload.name, |bencher| {
                bencher.iter_custom(|runs| {
                    let once = |_| workload.timed.once(&mut engine).expect("it ran in its check");
                    Duration::from_secs_f64((0..runs).map(once).sum())
                });
            });
        }
        for id in prepared.buffers {
            engine.device_mut().destroy_buffer(id);
        }
    }
    criterion.final_summary();
    Ok(())
}
