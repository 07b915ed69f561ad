//! Starting a run.

use std::path::Path;

use super::super::error::FedError;
use super::super::experiment::Experiment;
use super::super::folder::manifest::{AdapterRecord, DataDigests, Ingredients, NormalisationRecord};
use super::super::folder::rounds_log::RoundsLog;
use super::super::folder::{self, CONFIG, Manifest, RunFolder};
use super::super::host::Host;
use super::super::metrics::Summary;
use super::super::observer::Observer;
use super::super::progress::Progress;
use super::super::zo::ZoPhase;
use super::super::{disk, settings};
use super::loaded::{Loaded, first_files, initial_bytes, load};
use super::running::Run;
use super::ways;
use crate::config::Config;
use crate::device::{DeviceError, Selection};
use crate::engine::EngineError;
use crate::files::sha256_hex;

/// Starts a run. Nothing is written before the config, its data and the device have been found good.
///
/// # Errors
/// Whatever is wrong with the request; a failing device; files that can't be written.
pub fn start(
    config: &Config,
    out: Option<&Path>,
    selection: &Selection,
    observer: &mut dyn Observer,
) -> Result<Summary, FedError> {
    start_on(config, out, selection, &mut Host::default(), observer)
}

/// As [`start`], on a device that other runs may have used before and may use after it.
pub(in crate::fed) fn start_on(
    config: &Config,
    out: Option<&Path>,
    selection: &Selection,
    host: &mut Host,
    observer: &mut dyn Observer,
) -> Result<Summary, FedError> {
    let mut experiment = Experiment::prepare(config)?;
    let guessed = settings::guessed(config, &experiment.data.normalisation);
    experiment.config = settings::settled(&experiment.config, &experiment.data.normalisation);
    let mut space = host.take(selection)?;
    ways::choose(&mut space, &experiment.graph, selection, observer)?;
    let Loaded { engine, train, test, validation, warmup } = load(&experiment, space)?;
    let out = out.map_or_else(|| folder::default_path(config), Path::to_path_buf);
    disk::check_room(&out, &disk::needed(&experiment, 0))?;
    let folder = RunFolder::create(&out)?;
    let ways = ways::encode(engine.ways())?;
    let manifest = Manifest::new(Ingredients {
        config: experiment.config.to_toml(),
        data: DataDigests::of(&experiment.data)?,
        normalisation: NormalisationRecord::of(&experiment.data.normalisation, guessed),
        split_sha256: experiment.split.sha256(),
        init_sha256: sha256_hex(&initial_bytes(&experiment)),
        ways_sha256: ways::digest(&ways),
        adapter: AdapterRecord::of(engine.device().info(), 0),
    });
    // Before the config: a folder with a config is one that can be resumed.
    manifest.write(folder.dir())?;
    ways::write(&folder, &ways)?;
    folder.write(CONFIG, manifest.config.as_bytes())?;
    first_files(&folder, &experiment)?;
    let log = RoundsLog::create(&folder)?;
    let zo = ZoPhase::new(&experiment);
    let progress = Progress::of(&experiment);
    let mut run =
        Run { experiment, folder, manifest, log, engine, train, test, validation, progress, warmup, zo, observer };
    let end = run.proceed();
    if end.as_ref().is_err_and(cannot_fit) && run.progress.next == 0 {
        // The first round showed that the request can't be met (a memory budget too small for it): nothing is left behind.
        run.folder.discard()?;
    }
    if end.is_ok() {
        run.leave(selection.clone(), host);
    }
    end
}

/// Whether an error says that the device can't hold or bind what a round needs, rather than that something failed.
fn cannot_fit(error: &FedError) -> bool {
    match error {
        FedError::Engine(EngineError::Device(e)) => matches!(
            e,
            DeviceError::OverBudget { .. } | DeviceError::BufferTooLarge { .. } | DeviceError::BindingTooLarge { .. }
        ),
        FedError::Engine(_) => true,
        _ => false,
    }
}
