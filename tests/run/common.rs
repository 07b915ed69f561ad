//! Starting the binary, a small run, and reading what it leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use zowarmup::config::Config;
use zowarmup::device::Selection;
use zowarmup::fed::observer::Silent;
use zowarmup::fed::{FedError, Observer, RoundMetrics, Status, Summary, run};

/// Digits, an MLP of 1,210 weights, six clients of 33 samples, two of them high-resource; 3 warm-up and 9 ZO rounds.
const CONFIG: &str = r#"
name = "small"
seed = 11
[data]
name = "digits"
train_limit = 20
test_limit = 10
[split]
kind = "dirichlet"
clients = 6
alpha = 0.5
high_share = 0.34
[model]
kind = "mlp"
hidden = [16]
[warmup]
rounds = 3
local_epochs = 2
batch = 16
client_lr = 0.1
[zo]
rounds = 9
probes = 2
epsilon = 1e-3
lr = 0.05
[eval]
every = 2
"#;

/// Weights of the model.
pub const PARAMS: u64 = 64 * 16 + 16 + 16 * 10 + 10;
pub const CLIENTS: u64 = 6;
pub const WARMUP: usize = 3;
pub const ROUNDS: usize = 12;

/// The modules whose subject is the command line, files and reports, not what a device computes. Their runs go on the CPU twins, which need no
/// shader compiled: on a software adapter these tests would take most of the suite's time.
const ON_THE_TWINS: [&str; 18] = [
    "check",
    "compare",
    "damage",
    "diverged",
    "dropout",
    "extend",
    "fork",
    "groups",
    "habits",
    "outfiles",
    "own",
    "report",
    "requests",
    "streams",
    "sweep",
    "sweep_command",
    "warnings",
    "watch",
];

/// The device of a test's runs: what [`zowarmup::device::testing`] says, or the twins. A test's thread bears its name.
fn device() -> Option<String> {
    let wanted = zowarmup::device::testing::for_children();
    let thread = std::thread::current();
    let module = thread.name().and_then(|name| name.split("::").next()).unwrap_or_default();
    if ON_THE_TWINS.contains(&module) { Some("reference".into()) } else { wanted }
}

pub fn zowarmup() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zowarmup"));
    // Without XDG_RUNTIME_DIR some drivers print messages of their own.
    match device() {
        Some(device) => command.env("ZOWARMUP_DEVICE", device),
        None => command.env_remove("ZOWARMUP_DEVICE"),
    };
    command.env_remove("ZOWARMUP_LOG").env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"));
    command
}

pub fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file)
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A temporary folder with the small config in it.
pub struct Place {
    pub dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("small.toml"), CONFIG).unwrap();
        Self { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The command of a run into the folder `out`.
    pub fn command(&self, out: &str, sets: &[&str]) -> Command {
        let mut command = zowarmup();
        command.arg("run").arg(self.path("small.toml")).arg("--out").arg(self.path(out)).arg("--json");
        sets.iter().for_each(|set| {
            command.args(["--set", set]);
        });
        command
    }

    /// A run that ends with `status`; returns its folder and the object it prints.
    pub fn run_to(&self, out: &str, sets: &[&str], status: i32) -> (PathBuf, Value) {
        let output = self.command(out, sets).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{sets:?}: {}", stderr(&output));
        (self.path(out), serde_json::from_slice(&output.stdout).unwrap())
    }

    pub fn run(&self, out: &str, sets: &[&str]) -> PathBuf {
        self.run_to(out, sets, 0).0
    }
}

/// A sweep's description: over the small run with so many zeroth-order rounds two settings and High Res Only, two seeds each.
pub fn sweep_of(rounds: usize) -> String {
    let rows = r#"
[[row]]
label = "plain"
[[row]]
label = "tau 0.5"
set = ["zo.tau=0.5"]
[[row]]
label = "High Res Only"
preset = "high-res-only"
"#;
    format!("base = \"small.toml\"\nset = [\"zo.rounds={rounds}\"]\nseeds = [0, 1]{rows}")
}

/// The small run on a test's device, done once in a process for all tests that only read it or compare with it. Runners that give each test a
/// process of its own do it once a test.
pub fn finished() -> &'static Path {
    static RUNS: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
    let on_twins = device().is_some_and(|device| device == "reference");
    RUNS[usize::from(on_twins)].get_or_init(|| {
        let name = format!("small-run-{}-{}", std::process::id(), u8::from(on_twins));
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if out.exists() {
            fs::remove_dir_all(&out).unwrap();
        }
        fs::rename(Place::new().run("run", &[]), &out).or_else(|_| copy_from_new(&out)).unwrap();
        out
    })
}

/// Where a rename can't cross file systems.
fn copy_from_new(out: &Path) -> std::io::Result<()> {
    let place = Place::new();
    copy_folder(&place.run("run", &[]), out);
    Ok(())
}

pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// `resume` of a folder that ends with `status`; returns the object it prints.
pub fn resume_to(dir: &Path, status: i32) -> Value {
    let output = zowarmup().arg("resume").arg(dir).arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The keys of an object, in order.
pub fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// `metrics.jsonl` without the times.
pub fn metrics(dir: &Path) -> Vec<Value> {
    let mut list = lines(&dir.join("metrics.jsonl"));
    list.iter_mut().for_each(|line| {
        for key in ["seconds", "compile_seconds"] {
            line.as_object_mut().unwrap().remove(key).unwrap();
        }
    });
    list
}

/// `summary.json` without the time, the place, and the commit, which the library doesn't know and the binary does.
pub fn summary(dir: &Path) -> Value {
    let mut summary = json(&dir.join("summary.json"));
    for key in ["seconds", "compile_seconds", "dir", "commit"] {
        summary.as_object_mut().unwrap().remove(key).unwrap();
    }
    summary
}

/// Whether two runs left the same bits.
pub fn assert_same(a: &Path, b: &Path) {
    assert_eq!(metrics(a), metrics(b));
    assert_eq!(summary(a), summary(b));
    for file in ["init.safetensors", "pivot.safetensors", "ledger.jsonl", "final.safetensors", "split.json"] {
        assert!(fs::read(a.join(file)).unwrap() == fs::read(b.join(file)).unwrap(), "{file} differs");
    }
}

/// What the library runs on in tests that need no adapter.
pub fn twins() -> Selection {
    Selection::of("reference")
}

/// The small run's config with some keys changed.
pub fn config(place: &Place, sets: &[&str]) -> Config {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    Config::load(Some(&place.path("small.toml")), &sets).unwrap()
}

/// Stops a run after so many of its rounds.
pub struct StopAfter(pub usize);

impl Observer for StopAfter {
    fn round(&mut self, _: &RoundMetrics) {
        self.0 = self.0.saturating_sub(1);
    }

    fn stop(&mut self) -> bool {
        self.0 == 0
    }
}

/// A run by the library, on the twins, stopped after `rounds`; behind its last one it is done.
pub fn stopped(place: &Place, out: &str, sets: &[&str], rounds: usize) -> PathBuf {
    let (dir, config) = (place.path(out), config(place, sets));
    let last = (config.warmup.rounds + config.zo.rounds) as usize;
    let summary = run::start(&config, Some(&dir), &twins(), &mut StopAfter(rounds)).unwrap();
    let status = if rounds == last { Status::Done } else { Status::Interrupted };
    assert_eq!((summary.status, summary.rounds as usize), (status, rounds));
    dir
}

/// `resume` by the library, on the twins.
pub fn resumed(dir: &Path, sets: &[&str]) -> Result<Summary, FedError> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    run::resume(dir, Some("reference"), &sets, &mut Silent)
}

/// A process that is ended when this is dropped.
pub struct Background(pub Child);

impl Background {
    pub fn start(mut command: Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Waits until something holds, or the process has ended.
    pub fn until(&mut self, holds: impl Fn() -> bool) {
        let start = Instant::now();
        while !holds() && self.0.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(120), "waited for too long");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Complete lines of a file that may not exist yet.
pub fn line_count(path: &Path) -> usize {
    fs::read(path).map_or(0, |bytes| bytes.iter().filter(|&&b| b == b'\n').count())
}

/// A tensor: name, shape, values.
pub type Tensor = (String, Vec<usize>, Vec<f32>);

/// Tensors of a weights file by name.
pub fn tensors(path: &Path) -> Vec<Tensor> {
    let bytes = fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut list: Vec<_> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            (name, view.shape().to_vec(), values)
        })
        .collect();
    list.sort_by(|a, b| a.0.cmp(&b.0));
    list
}

/// Writes tensors as a weights file.
pub fn write_tensors(path: &Path, list: &[Tensor]) {
    let data: Vec<Vec<u8>> = list.iter().map(|(.., v)| v.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views = list.iter().zip(&data).map(|((name, shape, _), bytes)| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes).unwrap();
        (name.clone(), view)
    });
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// All weights of a file, in the order of their names.
pub fn weights(path: &Path) -> Vec<f32> {
    tensors(path).into_iter().flat_map(|(.., values)| values).collect()
}
