//! With which ways a run computes products: those of a file where one is given, else those that were measured on its device, which are
//! remembered.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::error::FedError;
use super::super::folder::{FolderError, Manifest, RunFolder, WAYS, read_in};
use super::super::observer::Observer;
use crate::caps::{AdapterInfo, Layout, Tune};
use crate::device::{DeviceError, Selection, open};
use crate::engine::Workspace;
use crate::files::{self, Limit, cache, sha256_hex};
use crate::layers::{Pass, Sizes};
use crate::model::Graph;
use crate::tune::{self, Measured, Scope, Ways, WaysFile, products};

/// The largest such file: a few thousand products.
const LIMIT: Limit = Limit { bytes: 4 << 20, what: "a file of ways" };

/// Reads a file of ways for a model; none where there is no such file.
///
/// # Errors
/// A file that can't be read, is malformed, or is of another model.
pub(super) fn read(path: &Path, graph: &Graph) -> Result<Option<Ways>, FedError> {
    if !path.exists() {
        return Ok(None);
    }
    let wrong = |why: String| FedError::Refused(format!("{}: {why}", path.display()));
    let bytes = files::read(path, LIMIT)?;
    let file: WaysFile = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    Ways::from_file(&file, graph).map(Some).map_err(|error| wrong(error.to_string()))
}

/// Sets the ways of a run that begins: those of the file that the selection names, else measured ones where that is wanted.
///
/// # Errors
/// A file that isn't good, a failing device.
pub fn choose(
    space: &mut Workspace,
    graph: &Graph,
    selection: &Selection,
    observer: &mut dyn Observer,
) -> Result<(), FedError> {
    let given = match &selection.ways {
        Some(path) => read(path, graph)?,
        None => None,
    };
    let ways = match given {
        Some(ways) => Some(ways),
        None => measured(space, graph, selection, observer)?,
    };
    set(space, graph, ways, observer);
    Ok(())
}

/// Sets the ways that a run had, where this device can compute with them; else what is likely to be fast here.
pub(super) fn set(space: &mut Workspace, graph: &Graph, ways: Option<Ways>, observer: &mut dyn Observer) {
    let (info, limits) = (space.device().info(), space.device().limits());
    let unfit = ways.as_ref().and_then(|ways| ways.unfit(graph, info, limits));
    if let Some((sizes, pass, way)) = unfit {
        let pass = pass.name();
        observer.warn(&format!(
            "warning: {} can't compute {sizes} ({pass}) by {way}: products go the ways that are likely to be fast here, and the run's bits differ from those of the device where it was begun",
            info.name
        ));
        return space.set_ways(None);
    }
    space.set_ways(ways);
}

/// The file of a run's ways; empty, and no file then, where all products go by shuffles, channels first, as on software adapters.
///
/// # Errors
/// Ways that can't be written.
pub(super) fn encode(ways: &Ways) -> Result<Vec<u8>, FedError> {
    if *ways == Ways::default() {
        return Ok(Vec::new());
    }
    let mut bytes = serde_json::to_vec_pretty(&ways.to_file()).map_err(|error| FedError::Refused(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Writes the ways of a run into its folder. Before its config: a folder with a config is one that can be resumed.
///
/// # Errors
/// A file that can't be written.
pub(super) fn write(folder: &RunFolder, bytes: &[u8]) -> Result<(), FedError> {
    if bytes.is_empty() {
        return Ok(folder.remove(WAYS)?);
    }
    Ok(folder.write(WAYS, bytes)?)
}

/// What the manifest holds of a run's ways.
pub(super) fn digest(bytes: &[u8]) -> String {
    if bytes.is_empty() { String::new() } else { sha256_hex(bytes) }
}

/// Reads the ways that a run began with.
///
/// # Errors
/// As [`read`]; a file that isn't the one that the run wrote, is gone, or wasn't there.
pub(super) fn of_run(dir: &Path, manifest: &Manifest, graph: &Graph) -> Result<Option<Ways>, FedError> {
    if let Some(expected) = &manifest.ways_sha256 {
        let found = digest(&read_in(dir, WAYS)?.unwrap_or_default());
        if found != *expected {
            let of = |digest: &str| if digest.is_empty() { "no such file" } else { digest }.to_owned();
            let (expected, found) = (of(expected), of(&found));
            let what = "the ways of the run, SHA-256".to_owned();
            return Err(FolderError::Differs { path: dir.join(WAYS), what, expected, found }.into());
        }
    }
    read(&dir.join(WAYS), graph)
}

/// What is to be measured in a layout: what the device is offered as, ways that are known, and the products that have none.
type Wanted = (AdapterInfo, Ways, Vec<(Sizes, Pass)>);

/// Those that are remembered for this device, and what they lack measured now; none where nothing is to be measured.
fn measured(
    space: &mut Workspace,
    graph: &Graph,
    selection: &Selection,
    observer: &mut dyn Observer,
) -> Result<Option<Ways>, FedError> {
    let info = tune::offered(space.device().info(), graph);
    let software = info.kind.is_software();
    let scope = match selection.tune {
        Tune::Auto if software => return Ok(None),
        Tune::Off => return Ok(None),
        Tune::Auto => Scope::Few,
        Tune::Full => Scope::All,
    };
    // Where all is tried layouts of pixels are, too, unless one was asked for.
    let layouts: &[Layout] =
        if scope == Scope::All && selection.layout.is_none() { &Layout::ALL } else { &[info.layout] };
    let place = cache::folder().map(|folder| remembered(&folder, &info, scope, layouts));
    let known = place.as_deref().and_then(recall).unwrap_or_default();
    let limits = space.device().limits().clone();
    let mut rest: Vec<Wanted> = Vec::new();
    for &layout in layouts {
        let info = AdapterInfo { layout, ..info.clone() };
        let mut ways = Ways::of_known(&known, graph, layout);
        if info.matrices.size.is_none() {
            // Of a model that may have them.
            ways = ways.in_f32(&Pass::ALL, &info, &limits, graph);
        }
        let all = products(graph);
        // What can go one way only needs no measurement, but where layouts are compared, whose products are measured all.
        let both = layouts.len() > 1;
        let open =
            |of: &(Sizes, Pass)| !ways.has(*of) && (both || tune::candidates(*of, &info, &limits, scope).len() > 1);
        let missing: Vec<_> = all.iter().copied().filter(open).collect();
        if missing.is_empty() {
            return Ok(Some(ways));
        }
        let missing = if both { all } else { missing };
        rest.push((info, ways, missing));
    }
    let start = Instant::now();
    let mut best: Option<(f64, Ways)> = None;
    // On a device of its own: a driver that can't compile a way may take the device with it, and the run keeps its own.
    let mut trial = open(selection)?;
    for (info, ways, missing) in &rest {
        let watch: tune::Watch<'_> = &mut |_, _, done, all| observer.tuning(done, all);
        let found = match tune::measure(trial.as_mut(), info, missing, scope, watch) {
            Ok(found) => found,
            Err(DeviceError::Lost(why)) => {
                observer.tuning(1, 1);
                observer.warn(&format!(
                    "warning: {} was lost while ways of products were tried ({why}): the run takes those that are likely to be fast, and those of f32 \
                     for gradients",
                    info.name
                ));
                let likely = Ways::unmeasured(info, &limits, graph);
                return Ok(Some(likely.in_f32(&[Pass::Weight, Pass::Input], info, &limits, graph)));
            }
            Err(error) => return Err(error.into()),
        };
        observer.tuning(1, 1);
        failed(&found, info, observer);
        let seconds = tune::a_sample(&found, graph);
        if best.as_ref().is_none_or(|(least, _)| seconds < *least) {
            best = Some((seconds, ways.clone().joined(&tune::fastest(&found, info.layout))));
        }
    }
    let Some((_, ways)) = best else { return Ok(None) };
    let count: usize = rest.iter().map(|(.., missing)| missing.len()).max().unwrap_or_default();
    observer.note(&format!("measured the ways of {count} products in {:.1} s", start.elapsed().as_secs_f64()));
    if let Some(place) = place {
        remember(&place, &known, &ways, observer);
    }
    Ok(Some(ways))
}

/// Warns of ways that gave another result.
fn failed(found: &[Measured], info: &AdapterInfo, observer: &mut dyn Observer) {
    for of in found {
        for tried in of.tried.iter().filter(|tried| !tried.passed) {
            observer.warn(&format!(
                "warning: {} computes {} ({}) by {} with an error of {:.1e}: this way is left out",
                info.name,
                of.sizes,
                of.pass.name(),
                tried.way,
                tried.error
            ));
        }
    }
}

/// The file in which the ways of a device are remembered: one for each adapter, driver, version of this program, precision and layout, or where
/// that is chosen among several.
fn remembered(folder: &Path, info: &AdapterInfo, scope: Scope, layouts: &[Layout]) -> PathBuf {
    let AdapterInfo { name, backend, driver, tier, precision, .. } = info;
    let layout = layouts.iter().map(|layout| layout.name()).collect::<Vec<_>>().join(" or ");
    let all = format!(
        "{name}\n{backend}\n{driver}\n{}\n{}\n{}\n{}\n{scope:?}",
        tier.name(),
        precision.name(),
        layout,
        env!("CARGO_PKG_VERSION")
    );
    folder.join(format!("ways-{}.json", &sha256_hex(all.as_bytes())[..16]))
}

/// What is remembered; none where there is nothing, or nothing that can be read.
fn recall(place: &Path) -> Option<WaysFile> {
    let bytes = if place.exists() { files::read(place, LIMIT).ok()? } else { return None };
    match serde_json::from_slice(&bytes) {
        Ok(file) => Some(file),
        Err(error) => {
            tracing::warn!("{}: {error}: it is written anew", place.display());
            None
        }
    }
}

/// Remembers ways beside those that are known of other models.
fn remember(place: &Path, known: &WaysFile, ways: &Ways, observer: &mut dyn Observer) {
    let file = known.with(&ways.to_file());
    let folder = place.parent().unwrap_or(Path::new(""));
    let written = std::fs::create_dir_all(folder).map_err(|error| error.to_string()).and_then(|()| {
        let bytes = serde_json::to_vec_pretty(&file).map_err(|error| error.to_string())?;
        files::write_whole(place, &bytes).map_err(|error| error.to_string())
    });
    if let Err(error) = written {
        observer.warn(&format!("warning: the measured ways are not remembered: {error}"));
    }
}
