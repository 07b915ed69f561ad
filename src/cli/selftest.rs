//! `zowarmup selftest`.

use clap::Args;
use serde::Serialize;

use super::args::{DeviceArgs, JsonArgs};
use super::devices::LimitsEntry;
use super::error::Error;
use super::output::{self, Adapter, row, table, verdict};
use crate::device::open;
use crate::selftest::{self, CheckResult};

/// `selftest`.
#[derive(Debug, Args)]
pub struct SelftestArgs {
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
    limits: LimitsEntry,
    features: Vec<String>,
    checks: Vec<CheckResult>,
    passed: bool,
}

/// Runs every check on the device.
pub fn execute(args: &SelftestArgs) -> Result<u8, Error> {
    let mut device = open(&args.device.selection())?;
    let checks = selftest::run(device.as_mut(), &selftest::cases());
    let report = Report {
        adapter: Adapter::of(device.info()),
        limits: LimitsEntry::of(device.limits()),
        features: device.info().features.clone(),
        passed: checks.iter().all(|c| c.passed),
        checks,
    };
    output::print(args.json.json, &report, text)?;
    Ok(u8::from(!report.passed))
}

fn text(report: &Report) -> String {
    let mut rows = vec![row(["check", "error", "tolerance", ""])];
    for c in &report.checks {
        let (error, tolerance) = (format!("{:.2e}", c.error), format!("{:.2e}", c.tolerance));
        rows.push(row([&c.name, &error, &tolerance, verdict(c.passed)]));
    }
    let failed = report.checks.iter().filter(|c| !c.passed).count();
    format!(
        "{}\n  features: {}\n  limits: {}\n{}{} checks, {failed} failed\n",
        report.adapter.text(),
        report.features.join(", "),
        report.limits.text(),
        table(&rows),
        report.checks.len()
    )
}
