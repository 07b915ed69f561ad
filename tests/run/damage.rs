//! Files of a run that are cut, flipped, edited or gone: refused by name, or the run ends with the bits of an undisturbed one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use zowarmup::caps::Layout;
use zowarmup::device::Selection;
use zowarmup::fed::observer::Silent;
use zowarmup::fed::run;
use zowarmup::rng::philox;

use super::common::*;

/// A run of milliseconds: an MLP of 229 weights, three clients, 3 warm-up and 5 ZO rounds.
const TINY: [&str; 5] =
    ["data.train_limit=6", "data.test_limit=3", "split.clients=3", "model.hidden=[3]", "zo.rounds=5"];
/// Changes of each file in each state.
const CHANGES: u32 = 12;

/// A run that leaves each kind of file: moments of the warm-up's server, the ways of its products, what high-resource clients add, and a
/// running mean of the weights.
const ALL_FILES: [&str; 4] =
    ["warmup.algorithm=fedadam", "warmup.server_lr=0.02", "zo.participants=high-first-order", "eval.average=0.9"];
/// Changes of each file of such a run.
const FEWER: u32 = 4;

/// Draws that repeat.
struct Draws(u32);

impl Draws {
    fn below(&mut self, n: usize) -> usize {
        self.0 += 1;
        philox([2026, 1], [self.0, 0, 0, 0])[0] as usize % n
    }
}

/// A file's bytes with one thing changed, and what; `None`: the file is gone.
fn changed(bytes: &[u8], draws: &mut Draws) -> (Option<Vec<u8>>, String) {
    let mut after = bytes.to_vec();
    let digits: Vec<usize> = (0..bytes.len()).filter(|&i| bytes[i].is_ascii_digit()).collect();
    let what = match draws.below(10) {
        0 => return (None, "gone".to_owned()),
        1..=3 => {
            after.truncate(draws.below(bytes.len().max(1)));
            format!("cut to {} of {} bytes", after.len(), bytes.len())
        }
        4..=6 if !digits.is_empty() => {
            let at = digits[draws.below(digits.len())];
            after[at] = b'0' + (bytes[at] - b'0' + 1 + draws.below(9) as u8) % 10;
            format!("another digit at {at}")
        }
        _ => {
            let at = draws.below(bytes.len());
            let bit = draws.below(8);
            after[at] ^= 1 << bit;
            format!("bit {bit} of byte {at}")
        }
    };
    (Some(after), what)
}

/// The files of a folder, those in its own folders too, but the lock.
fn files(dir: &Path) -> Vec<PathBuf> {
    let list = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).collect::<Vec<_>>();
    let mut all: Vec<PathBuf> =
        ["", "checkpoint", "deltas"].iter().flat_map(|folder| list(&dir.join(folder))).collect();
    all.retain(|path| path.is_file() && !path.ends_with(".lock"));
    all.sort();
    all
}

fn name_in(dir: &Path, path: &Path) -> String {
    path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned()
}

/// All that a run's result is: metrics, summary, the other files by name.
type Bits = (Vec<Value>, Value, Vec<(String, Vec<u8>)>);

fn bits(dir: &Path) -> Bits {
    let logs = ["manifest.json", "summary.json", "metrics.jsonl"];
    let own = |path: &PathBuf| !path.starts_with(dir.join("checkpoint")) && !path.ends_with("config.toml");
    let results = files(dir).into_iter().filter(|path| own(path) && !logs.iter().any(|log| path.ends_with(log)));
    let mut summary = summary(dir);
    let metrics = metrics(dir);
    // Their texts name no round of the interruption.
    assert!(summary.as_object_mut().unwrap().remove("warnings").is_some());
    (metrics, summary, results.map(|path| (name_in(dir, &path), fs::read(path).unwrap())).collect())
}

/// Resumes each of `states` with each of its files changed so many times: it is refused by the file's name, or ends with the bits of
/// `whole`. How many did either.
fn change_all(place: &Place, whole: &Path, states: &[PathBuf], changes: u32) -> (usize, usize) {
    let expected = bits(whole);
    let mut draws = Draws(0);
    let (mut refused, mut same) = (0, 0);
    for state in states {
        for file in files(state) {
            for _ in 0..changes {
                let name = file.strip_prefix(state).unwrap();
                let bytes = fs::read(&file).unwrap();
                let (after, what) = changed(&bytes, &mut draws);
                let dir = place.path("changed");
                let _ = fs::remove_dir_all(&dir);
                copy_folder(state, &dir);
                match &after {
                    Some(after) => fs::write(dir.join(name), after).unwrap(),
                    None => fs::remove_file(dir.join(name)).unwrap(),
                }
                let case = format!("{}, {}: {what}", state.display(), name.display());
                match resumed(&dir, &[]) {
                    Ok(_) => {
                        same += 1;
                        assert!(bits(&dir) == expected, "{case}: another result");
                    }
                    Err(error) => {
                        refused += 1;
                        let (text, file) = (error.to_string(), name.file_name().unwrap().to_str().unwrap());
                        // A device's setting is named by its key.
                        assert!(text.contains(file) || text.contains("device."), "{case}: {text}");
                    }
                }
            }
        }
    }
    (refused, same)
}

#[test]
fn whatever_happens_to_a_file_is_refused_by_name_or_changes_no_bit() {
    let place = Place::new();
    let config = config(&place, &TINY);
    let whole = place.path("whole");
    run::start(&config, Some(&whole), &twins(), &mut Silent).unwrap();
    // In the warm-up, at the pivot, in the ZO phase, and at the end.
    let cut = [2, 3, 6].map(|rounds| stopped(&place, &format!("cut-{rounds}"), &TINY, rounds));
    let states: Vec<PathBuf> = cut.into_iter().chain([whole.clone()]).collect();
    let (refused, same) = change_all(&place, &whole, &states, CHANGES);
    assert!(refused > 150 && same > 50, "{refused} were refused, {same} went on");
}

#[test]
fn so_it_is_with_every_kind_of_file_that_a_run_may_leave() {
    let place = Place::new();
    let sets = [&TINY[..], &ALL_FILES].concat();
    // Another layout than the one that needs no file of ways.
    let last = Selection { layout: Some(Layout::ChannelsLast), ..twins() };
    let (whole, config) = (place.path("whole"), config(&place, &sets));
    run::start(&config, Some(&whole), &last, &mut Silent).unwrap();
    let cut = |rounds: usize| {
        let dir = place.path(&format!("cut-{rounds}"));
        run::start(&config, Some(&dir), &last, &mut StopAfter(rounds)).unwrap();
        dir
    };
    let (warming, probing) = (cut(2), cut(6));
    let names = |dir: &Path| files(dir).iter().map(|path| name_in(dir, path)).collect::<Vec<_>>();
    assert!(names(&warming).contains(&"checkpoint/moments-2.safetensors".to_owned()));
    for name in ["averaged.safetensors", "ways.json", "deltas/3.safetensors", "deltas/7.safetensors"] {
        assert!(names(&whole).contains(&name.to_owned()), "{:?}", names(&whole));
    }
    let states = [warming, probing, whole.clone()];
    let (refused, same) = change_all(&place, &whole, &states, FEWER);
    assert!(refused > 60 && same > 20, "{refused} were refused, {same} went on");
    // A check names each of them.
    for name in names(&whole).iter().filter(|name| !name.starts_with("checkpoint/") && *name != "manifest.json") {
        let dir = place.path("checked");
        let _ = fs::remove_dir_all(&dir);
        copy_folder(&whole, &dir);
        fs::write(dir.join(name), b"{}\n").unwrap();
        let check = zowarmup::fed::check::check(&dir).unwrap();
        let wrong: Vec<&str> = check.files.iter().filter(|file| !file.passed).map(|file| &file.file[..]).collect();
        assert_eq!(wrong, [name], "{name}");
    }
}

/// A fork's own record, and what it was given of the other run's warm-up.
#[test]
fn so_it_is_with_a_fork() {
    let place = Place::new();
    let origin = place.path("origin");
    run::start(&config(&place, &TINY), Some(&origin), &twins(), &mut Silent).unwrap();
    let fork = |out: &str, rounds: usize| {
        let dir = place.path(out);
        run::fork(&origin, &["zo.lr=0.02".to_owned()], Some(&dir), Some("reference"), &mut StopAfter(rounds)).unwrap();
        dir
    };
    let (whole, cut) = (fork("whole", 5), fork("cut", 2));
    let (refused, same) = change_all(&place, &whole, &[cut, whole.clone()], FEWER);
    assert!(refused > 40 && same > 10, "{refused} were refused, {same} went on");
}

#[test]
fn a_damaged_last_line_is_dropped_and_any_other_named() {
    let place = Place::new();
    let dir = stopped(&place, "run", &TINY, 6);
    for log in ["metrics.jsonl", "ledger.jsonl", "checkpoint/rounds.jsonl"] {
        let text = fs::read_to_string(dir.join(log)).unwrap();
        let count = text.lines().count();
        for line in [count - 1, count - 2] {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            let middle = lines[line].len() / 2;
            lines[line].replace_range(middle..=middle, "~");
            let copy = place.path("copy");
            let _ = fs::remove_dir_all(&copy);
            copy_folder(&dir, &copy);
            fs::write(copy.join(log), lines.join("\n") + "\n").unwrap();
            let result = resumed(&copy, &[]);
            if line == count - 1 {
                assert_eq!(result.unwrap().rounds, 8, "{log}");
            } else {
                let text = result.unwrap_err().to_string();
                assert!(text.contains(log) && text.contains(&format!("line {}", line + 1)), "{text}");
            }
        }
    }
}

/// Removes or changes a file when a round is done.
struct Meddles(PathBuf, u32, Option<&'static [u8]>);

impl zowarmup::fed::Observer for Meddles {
    fn round(&mut self, metrics: &zowarmup::fed::RoundMetrics) {
        if metrics.round == self.1 {
            match self.2 {
                None => fs::remove_file(&self.0).unwrap(),
                Some(bytes) => fs::write(&self.0, bytes).unwrap(),
            }
        }
    }
}

#[test]
fn files_that_vanish_or_change_during_a_run_are_noticed_before_it_counts_as_done() {
    let place = Place::new();
    let config = config(&place, &TINY);
    let names = ["config.toml", "split.json", "init.safetensors", "pivot.safetensors", "ledger.jsonl", "metrics.jsonl"];
    for (i, name) in names.into_iter().enumerate() {
        for (j, bytes) in [None, Some(&b"{}\n"[..])].into_iter().enumerate() {
            if name == "config.toml" && bytes.is_some() {
                // Its paths may be edited; what it says is compared by whoever goes on.
                continue;
            }
            let dir = place.path(&format!("{i}{j}"));
            let mut meddles = Meddles(dir.join(name), 5, bytes);
            let error = run::start(&config, Some(&dir), &twins(), &mut meddles).unwrap_err();
            let text = error.to_string();
            let how = if bytes.is_none() { "vanished" } else { "changed" };
            // An append finds the file gone at once.
            assert!(text.contains(name) && (text.contains(how) || text.contains("cannot write")), "{name}: {text}");
            assert!(!dir.join("summary.json").exists(), "{name}");
        }
    }
}
