//! The folder in which documented command lines are run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::pages::{Page, root};

/// Makes any experiment small.
pub const SMALL: [&str; 10] = [
    "--set",
    "split.clients=4",
    "--set",
    "split.high_share=0.5",
    "--set",
    "warmup.rounds=1",
    "--set",
    "zo.rounds=2",
    "--set",
    "warmup.local_epochs=1",
];

pub struct Place {
    pub dir: TempDir,
}

impl Place {
    /// The project's configs, made-up data sets where they look for them, and a finished run `runs/X`.
    pub fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir_all(place.path("configs")).unwrap();
        for entry in fs::read_dir(root().join("configs")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                continue;
            }
            fs::copy(&path, place.path("configs").join(path.file_name().unwrap())).unwrap();
        }
        fs::write(place.path("configs/sweep.toml"), "base = \"digits.toml\"\n[grid]\n\"zo.lr\" = [0.01, 0.02]\n")
            .unwrap();
        fs::create_dir_all(place.path("tests/golden")).unwrap();
        for name in ["mlp.safetensors", "spsa-mlp.json"] {
            fs::copy(root().join("tests/golden").join(name), place.path("tests/golden").join(name)).unwrap();
        }
        let case = "tests/golden/methods/adam";
        fs::create_dir_all(place.path(case)).unwrap();
        for entry in fs::read_dir(root().join(case)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, place.path(case).join(path.file_name().unwrap())).unwrap();
        }
        place.tutorial();
        fashion(&place.path("data/fashion-mnist"));
        cifar(&place.path("data/cifar10"));
        let output = place.run(&[&["run", "--out", "runs/X"], &SMALL[..]].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        place
    }

    /// The data and the config of the tutorial.
    pub fn tutorial(&self) {
        fs::copy(root().join("tests/data/mine.npz"), self.path("mine.npz")).unwrap();
        fs::write(self.path("mine.toml"), Page::of("docs/tutorial.md").block("toml")).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs the program in the folder, on the CPU twins unless the arguments name a device.
    pub fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zowarmup"));
        command.current_dir(self.dir.path()).args(args).env_remove("ZOWARMUP_LOG").env_remove("ZOWARMUP_TIER");
        command.env("ZOWARMUP_DEVICE", "reference").env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"));
        command.output().unwrap()
    }

    /// Runs a command that prints one object.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--json"]].concat());
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// IDX files of 28x28 images, ten of each class in both parts.
fn fashion(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for part in ["train", "t10k"] {
        let mut images = vec![0, 0, 8, 3, 0, 0, 0, 100, 0, 0, 0, 28, 0, 0, 0, 28];
        images.extend((0..100 * 28 * 28).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8));
        let mut labels = vec![0, 0, 8, 1, 0, 0, 0, 100];
        labels.extend((0..100).map(|i| i % 10));
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}

/// CIFAR-10's binary files, two images of each class in each.
fn cifar(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for name in [
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
        "test_batch.bin",
    ] {
        let mut records = Vec::new();
        for image in 0..20u32 {
            records.push((image % 10) as u8);
            records.extend((0..3072u32).map(|i| ((i + image * 3072).wrapping_mul(2_654_435_761) >> 24) as u8));
        }
        fs::write(folder.join(name), records).unwrap();
    }
}
