//! `zowarmup selftest`.

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use super::args::{DeviceArgs, JsonArgs};
use super::devices::LimitsEntry;
use super::error::Error;
use super::output::{self, Adapter, Steps, verdict};
use crate::device::open;
use crate::selftest::{self, Case, CheckResult};

/// `selftest`.
#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// Which checks: those with one of these in their name [default: all]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// One check of each kernel only
    #[arg(long)]
    pub quick: bool,
    /// Every check on software adapters, too, which by default run each size and each choice of a kernel once, not each combination
    #[arg(long, conflicts_with = "quick")]
    pub all: bool,
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

/// Runs the checks on the device. Each is shown as soon as it is done.
pub fn execute(args: &SelftestArgs) -> Result<u8, Error> {
    let mut cases = named(&args.names)?;
    let selection = args.device.selection()?;
    let device = open(&selection)?;
    if args.quick {
        cases = selftest::quick(device.info(), cases);
    } else if args.names.is_empty() && !args.all {
        cases = selftest::suited(device.info(), cases);
    }
    let (adapter, limits, features) =
        (Adapter::of(device.info()), LimitsEntry::of(device.limits()), device.info().features.clone());
    let mut steps = Steps::new(args.json.json);
    steps.line(&format!("{}\n  features: {}\n  limits: {}", adapter.text(), features.join(", "), limits.text()))?;
    let width = cases.iter().map(|case| case.name.chars().count()).max().unwrap_or(0);
    let checks = selftest::run(device, &selection, &cases, |c, count| {
        let (error, tolerance) = (format!("{:.2e}", c.error), format!("{:.2e}", c.tolerance));
        let why = c.failure.as_deref().unwrap_or_default();
        let line = format!("{:width$} error {error:>9} tolerance {tolerance:>9}  {} {why}", c.name, verdict(c.passed));
        steps.done(count.done, count.of, line.trim_end())
    })?;
    let failed: Vec<&str> = checks.iter().filter(|c| !c.passed).map(|c| c.name.as_str()).collect();
    steps.line(&format!("{} checks, {} failed", checks.len(), failed.len()))?;
    failed.iter().try_for_each(|name| steps.line(&format!("  FAILED {name}")))?;
    let passed = failed.is_empty();
    let report = Report { adapter, limits, features, passed, checks };
    if args.json.json {
        output::print(true, &report, |_| String::new())?;
    }
    Ok(u8::from(!passed))
}

/// The cases that the names ask for.
fn named(names: &[String]) -> Result<Vec<Case>, Error> {
    let names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let mut cases = selftest::cases();
    let has = |case: &Case, name: &String| case.name.to_lowercase().contains(name.as_str());
    if let Some(unknown) = names.iter().find(|name| !cases.iter().any(|case| has(case, name))) {
        let kernels: BTreeSet<&str> = cases.iter().filter_map(|case| case.name.split(' ').next()).collect();
        let known = kernels.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Error::Request(format!("no check has {unknown:?} in its name; there are checks of {known}")));
    }
    cases.retain(|case| names.is_empty() || names.iter().any(|name| has(case, name)));
    Ok(cases)
}
