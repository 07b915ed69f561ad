//! `zowarmup bench`.

use clap::Args;
use serde::Serialize;

use super::args::{DeviceArgs, JsonArgs};
use super::error::Error;
use super::output::{self, Adapter, bytes, row, table};
use crate::bench::{self, Ceilings, Options, Outcome, Repeats};
use crate::device::open;

/// `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure [default: everything]
    pub names: Vec<String>,
    /// Clients of a round
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub clients: u32,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Serialize)]
struct Report {
    adapter: Adapter,
    ceilings: Ceilings,
    results: Vec<Outcome>,
}

/// Measures the device's rates and the entries asked for.
pub fn execute(args: &BenchArgs) -> Result<u8, Error> {
    let entries = bench::select(&args.names)?;
    let mut engine = bench::engine(open(&args.device.selection()?)?)?;
    let (options, repeats) = (Options { clients: args.clients, small: false }, Repeats::default());
    let ceilings = bench::ceilings(engine.device_mut(), &repeats)?;
    let mut results = Vec::new();
    for selected in entries {
        tracing::info!("measuring {}", selected.names.join(", "));
        results.extend(bench::run(&mut engine, &selected, &options, &ceilings, &repeats)?);
    }
    let report = Report { adapter: Adapter::of(engine.device().info()), ceilings, results };
    output::print(args.json.json, &report, text)?;
    Ok(0)
}

fn text(report: &Report) -> String {
    let c = &report.ceilings;
    let mut rows = vec![row(["name", "shape", "time", "rate", "of ceiling", "clock", ""])];
    for r in &report.results {
        let of =
            r.of_ceiling.zip(r.ceiling).map(|(share, ceiling)| format!("{:.0} % {}", share * 100.0, name(&ceiling)));
        let (time, rate) = (format!("{:.3} ms", r.seconds * 1e3), format!("{:.2} {}", r.rate, name(&r.unit)));
        let round = r.dispatches.zip(r.device_bytes).map(|(n, held)| format!("{n} dispatches, {}", bytes(held)));
        let pair = r.against.as_ref().map(|a| format!("{:+.1} % against {}", (a.ratio - 1.0) * 100.0, a.name));
        let note = round.or(pair).unwrap_or_default();
        rows.push(row([r.name, &r.shape, &time, &rate, &of.unwrap_or_default(), r.clock, &note]));
    }
    format!(
        "{}\ncopy {:.1} GB/s, store {:.1} GB/s, multiply-add {:.1} GFLOP/s\n{}",
        report.adapter.text(),
        c.copy_gb_s,
        c.store_gb_s,
        c.madd_gflop_s,
        table(&rows)
    )
}

/// The name that a value has in JSON.
fn name<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
