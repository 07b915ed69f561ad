//! `zowarmup devices`.

use clap::Args;
use serde::Serialize;

use super::args::{DeviceArgs, JsonArgs};
use super::error::Error;
use super::output::{self, bytes, row, table};
use crate::caps::{AdapterInfo, Limits};
use crate::device::list;

/// `devices`.
#[derive(Debug, Args)]
pub struct DevicesArgs {
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Serialize)]
struct Listing {
    adapters: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    index: usize,
    name: String,
    backend: String,
    driver: String,
    #[serde(rename = "type")]
    kind: &'static str,
    tier: &'static str,
    picked: bool,
    limits: LimitsEntry,
    features: Vec<String>,
}

/// An adapter's limits as commands print them.
#[derive(Serialize)]
pub(super) struct LimitsEntry {
    max_binding_bytes: u64,
    max_buffer_bytes: u64,
    memory_bytes: u64,
    binding_alignment: u64,
    storage_buffers: u32,
    workgroup_memory_bytes: u32,
    workgroup_invocations: u32,
    submission_operations: u64,
}

impl LimitsEntry {
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            max_binding_bytes: limits.binding,
            max_buffer_bytes: limits.buffer,
            memory_bytes: limits.memory,
            binding_alignment: limits.alignment,
            storage_buffers: limits.storage_buffers,
            workgroup_memory_bytes: limits.workgroup_memory,
            workgroup_invocations: limits.invocations,
            submission_operations: limits.submission_cost,
        }
    }

    pub(super) fn text(&self) -> String {
        format!(
            "binding {}, buffer {}, memory {}, workgroup memory {}, {} invocations",
            bytes(self.max_binding_bytes),
            bytes(self.max_buffer_bytes),
            bytes(self.memory_bytes),
            bytes(u64::from(self.workgroup_memory_bytes)),
            self.workgroup_invocations
        )
    }
}

/// Lists the adapters and which one the flag, the environment or nobody picks.
pub fn execute(args: &DevicesArgs) -> Result<u8, Error> {
    let (all, picked) = list(&args.device.selection()?)?;
    let entry = |(index, (info, limits)): (usize, (AdapterInfo, Limits))| Entry {
        index,
        name: info.name,
        backend: info.backend,
        driver: info.driver,
        kind: info.kind.name(),
        tier: info.tier.name(),
        picked: index == picked,
        limits: LimitsEntry::of(&limits),
        features: info.features,
    };
    let listing = Listing { adapters: all.into_iter().enumerate().map(entry).collect() };
    output::print(args.json.json, &listing, text)?;
    Ok(0)
}

fn text(listing: &Listing) -> String {
    let mut rows = vec![row(["", "name", "backend", "type", "tier"])];
    for a in &listing.adapters {
        let mark = if a.picked { "*" } else { " " };
        rows.push(row([&format!("{mark} {}", a.index), &a.name, &a.backend, a.kind, a.tier]));
    }
    let mut out = table(&rows);
    for a in listing.adapters.iter().filter(|a| a.picked) {
        out.push_str(&format!("* would be picked: {}\n", a.name));
        let lines = [("driver", a.driver.clone()), ("features", a.features.join(", ")), ("limits", a.limits.text())];
        for (what, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
            out.push_str(&format!("  {what}: {value}\n"));
        }
    }
    out
}
