//! Opening an adapter.

use std::sync::{Arc, Mutex};

use super::faults::{Failure, lock, typed};
use super::request::{Opened, request};
use super::{Candidate, GpuDevice, buffers, compile, pipelines, staging, store, texels};
use crate::caps::{Matrices, OperandSource};
use crate::device::flight::Flight;
use crate::device::{DeviceError, Selection};
use crate::shaders::Flavour;

/// Opens an adapter for a selection; its memory budget is left out.
///
/// # Errors
/// An adapter that lacks the flavour asked for, or refuses to open.
pub fn open(candidate: &Candidate, selection: &Selection) -> Result<GpuDevice, DeviceError> {
    let mut info = candidate.info_for(selection)?;
    let adapter = &candidate.adapter;
    let unfit = |why| DeviceError::Unfit { adapter: candidate.info.name.clone(), why };
    let opened = match request(adapter, info.tier, info.matrices.of_device()) {
        Err(why) if info.matrices.of_device() => {
            tracing::warn!("{}: no device with cooperative matrices ({why}); going on without", candidate.info.name);
            info.matrices = Matrices::default();
            request(adapter, info.tier, false)
        }
        other => other,
    };
    let Opened { device, queue, timestamps } = opened.map_err(unfit)?;
    let failure = Arc::new(Mutex::new(Failure::default()));
    let slot = Arc::clone(&failure);
    device.set_device_lost_callback(move |reason, text| {
        let text = if text.is_empty() { format!("{reason:?}") } else { text };
        lock(&slot).lost.get_or_insert(text);
    });
    let slot = Arc::clone(&failure);
    device.on_uncaptured_error(Arc::new(move |error| {
        lock(&slot).error.get_or_insert(typed(error));
    }));
    let limits = candidate.limits_for(selection);
    let store = selection.pipelines.as_deref().and_then(|folder| store::Store::open(&device, folder, &info));
    let texels = info.operands == OperandSource::Texel;
    let flavour = Flavour { tier: info.tier, texels };
    let cores = selection.compile_cores.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    Ok(GpuDevice {
        staging: staging::Staging::new(timestamps, queue.get_timestamp_period()),
        pipelines: pipelines::Pipelines::new(flavour, limits.alignment),
        compiler: compile::Compiler::new(adapter, &info, cores, store),
        texels: texels::Texels::new(if texels { adapter.limits().max_texture_dimension_2d } else { 0 }),
        buffers: buffers::Buffers::default(),
        flight: Flight::default(),
        watch: None,
        peak: 0,
        info,
        limits,
        device,
        queue,
        failure,
    })
}
