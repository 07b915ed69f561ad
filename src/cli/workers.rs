//! How many runs of a sweep are computed at once, and on which devices.

use clap::Args;

use super::args::DeviceArgs;
use super::error::Error;
use crate::caps::AdapterKind;
use crate::device::{Selection, list};
use crate::fed::sweep::Workers;

/// How many threads Mesa's llvmpipe has a launch computed by; none: the one that submits.
const LAUNCH_THREADS: &str = "LP_NUM_THREADS";

/// `--jobs` and `--devices`.
#[derive(Debug, Args)]
pub struct WorkersArgs {
    /// Runs that are computed at once on a device [default: on a software adapter the number of cores, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub jobs: Option<u32>,
    /// Devices that share the runs out, each as for --device
    #[arg(long, value_name = "DEVICE,...", value_delimiter = ',', conflicts_with = "device")]
    pub devices: Vec<String>,
}

impl WorkersArgs {
    /// The workers of so many cells. Call it before the process has a second thread.
    ///
    /// # Errors
    /// A device that there is not.
    pub fn workers(&self, device: &DeviceArgs, cells: usize) -> Result<Workers, Error> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let several = self.jobs.map_or(cores, |jobs| jobs as usize).min(cells);
        if several > 1 {
            share_cores(cores / several);
        }
        let devices: Vec<Option<String>> = match &self.devices[..] {
            [] => vec![device.device.clone()],
            names => names.iter().cloned().map(Some).collect(),
        };
        let mut software = true;
        for name in &devices {
            let (all, picked) = list(&Selection::resolve(name.as_deref(), "", None)?)?;
            software &= all.get(picked).is_some_and(|(info, _)| info.kind == AdapterKind::Software);
        }
        let usual = if software && self.devices.len() < 2 { cores } else { 1 };
        let jobs = self.jobs.map_or(usual, |jobs| jobs as usize);
        Ok(Workers::each(&devices, jobs).at_most(cells))
    }
}

/// Leaves llvmpipe, where several of its devices compute at once, so many threads a launch: the hand-overs between them cost more than they
/// bring then. What the user has set stays.
fn share_cores(threads: usize) {
    if std::env::var_os(LAUNCH_THREADS).is_none() {
        let threads = if threads > 1 { threads } else { 0 };
        // SAFETY: the process has one thread yet, so nobody reads the environment meanwhile: signals and progress bars, which have threads
        // of their own, come later, and no driver has been loaded.
        unsafe { std::env::set_var(LAUNCH_THREADS, threads.to_string()) };
    }
}
