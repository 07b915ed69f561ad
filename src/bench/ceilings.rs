//! The device's own rates: copying, storing, multiply-adds in registers.

use serde::Serialize;

use super::runner::{Repeats, median_seconds};
use crate::device::{Device, DeviceError};
use crate::kernels::{copy, fill_constant, madd};
use crate::recording::{Recording, Span};

/// Measured rates of a device.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ceilings {
    /// Copy between two buffers, bytes read plus bytes written, in 1e9 a second.
    pub copy_gb_s: f64,
    /// Multiply-adds in independent chains, two operations each, in 1e9 a second.
    pub madd_gflop_s: f64,
    /// Stores of a constant, in 1e9 bytes a second.
    pub store_gb_s: f64,
}

/// Which rate bounds a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ceiling {
    /// Memory traffic both ways.
    Copy,
    /// Arithmetic.
    Madd,
    /// Stores.
    Store,
}

impl Ceilings {
    /// The rate in operations or bytes a second.
    pub fn rate(&self, ceiling: Ceiling) -> f64 {
        1e9 * match ceiling {
            Ceiling::Copy => self.copy_gb_s,
            Ceiling::Madd => self.madd_gflop_s,
            Ceiling::Store => self.store_gb_s,
        }
    }
}

/// Workgroups of the arithmetic measurement: enough for every core of a large GPU, several times over.
const MADD_GROUPS: u32 = 4096;
/// How long one run of it shall take, about.
const MADD_SECONDS: f64 = 0.05;

/// Measures the rates on buffers of 128 MiB, or what the device binds.
pub fn ceilings(device: &mut dyn Device, repeats: &Repeats) -> Result<Ceilings, DeviceError> {
    let bytes = device.limits().binding.min(device.limits().memory / 4).min(128 << 20) & !15;
    let (from, to) = (device.create_buffer("bench source", bytes)?, device.create_buffer("bench target", bytes)?);
    let (source, target) = (Span::of(from, bytes), Span::of(to, bytes));
    let mut rec = Recording::new();
    fill_constant::record(&mut rec, source, 1.5);
    let store = median_seconds(device, &rec, repeats)?;
    let mut rec = Recording::new();
    copy::record(&mut rec, source, target);
    let copied = median_seconds(device, &rec, repeats)?;
    // One iteration first: its time says how many make the run long enough that its start doesn't count.
    let mut rec = Recording::new();
    madd::record(&mut rec, target, MADD_GROUPS, 1);
    let once = median_seconds(device, &rec, repeats)?.max(1e-7);
    let iterations = (MADD_SECONDS / once).clamp(1.0, 100_000.0) as u32;
    let mut rec = Recording::new();
    let flops = madd::record(&mut rec, target, MADD_GROUPS, iterations);
    let multiplied = median_seconds(device, &rec, repeats)?;
    device.destroy_buffer(from);
    device.destroy_buffer(to);
    let per_second = |amount: f64, seconds: f64| amount / seconds.max(1e-9) * 1e-9;
    Ok(Ceilings {
        copy_gb_s: per_second(2.0 * bytes as f64, copied),
        madd_gflop_s: per_second(flops as f64, multiplied),
        store_gb_s: per_second(bytes as f64, store),
    })
}
