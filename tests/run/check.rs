//! `zowarmup check`, and a finished run that nobody may write to.

use std::fs;

use super::common::*;

fn check(dir: &std::path::Path, status: i32) -> (String, String) {
    let output = zowarmup().args(["check", "--json"]).arg(dir).output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{}", stderr(&output));
    (String::from_utf8(output.stdout.clone()).unwrap(), stderr(&output))
}

#[test]
fn a_finished_folder_is_checked_file_by_file() {
    let place = Place::new();
    let dir = place.path("run");
    copy_folder(finished(), &dir);
    let object = |status| serde_json::from_str::<serde_json::Value>(&check(&dir, status).0).unwrap();
    let good = object(0);
    assert_eq!(keys(&good), ["dir", "status", "files", "passed"]);
    assert_eq!((&good["status"], &good["passed"]), (&"done".into(), &true.into()));
    let names: Vec<&str> = good["files"].as_array().unwrap().iter().map(|f| f["file"].as_str().unwrap()).collect();
    let expected = [
        "config.toml",
        "final.safetensors",
        "init.safetensors",
        "ledger.jsonl",
        "metrics.jsonl",
        "pivot.safetensors",
        "split.json",
        "summary.json",
    ];
    assert_eq!(names, expected);
    for name in expected {
        let bytes = fs::read(dir.join(name)).unwrap();
        for gone in [false, true] {
            if gone {
                fs::remove_file(dir.join(name)).unwrap();
                if name == "config.toml" {
                    // It makes the folder a run's.
                    assert!(check(&dir, 2).1.contains(name));
                    fs::write(dir.join(name), &bytes).unwrap();
                    continue;
                }
            } else {
                let at = bytes.iter().rposition(u8::is_ascii_digit).unwrap();
                let mut other = bytes.clone();
                other[at] = if bytes[at] == b'7' { b'3' } else { b'7' };
                if name == "config.toml" {
                    // Paths and devices may change in it.
                    let text = String::from_utf8(bytes.clone()).unwrap();
                    other = text.replace("lr = 0.05", "lr = 0.07").into_bytes();
                    assert_ne!(other, bytes);
                }
                fs::write(dir.join(name), other).unwrap();
            }
            let bad = object(1);
            assert_eq!(bad["passed"], false);
            for file in bad["files"].as_array().unwrap() {
                assert_eq!(keys(file), ["file", "passed", "expected", "found"]);
                assert_eq!(file["passed"], file["file"] != name, "{file}");
                assert_eq!(file["found"].is_null(), gone && file["file"] == name);
            }
            fs::write(dir.join(name), &bytes).unwrap();
        }
    }
}

#[test]
fn what_cannot_be_checked_is_said() {
    let place = Place::new();
    let dir = stopped(&place, "run", &[], 2);
    assert!(check(&dir, 2).1.contains("hasn't ended"));
    fs::remove_file(dir.join("manifest.json")).unwrap();
    assert!(check(&dir, 2).1.contains("manifest.json"));
    assert!(check(&place.path("nowhere"), 2).1.contains("nowhere"));
}

#[test]
fn a_finished_run_needs_no_lock_and_no_right_to_write() {
    let place = Place::new();
    let dir = place.path("run");
    copy_folder(finished(), &dir);
    fs::remove_file(dir.join(".lock")).unwrap();
    let before = fs::metadata(&dir).unwrap().modified().unwrap();
    let lock = fs::File::create(place.path("lock")).unwrap();
    lock.lock().unwrap();
    // A lock that somebody else holds, as a folder that can't be written to can't be locked.
    fs::hard_link(place.path("lock"), dir.join(".lock")).unwrap();
    assert_eq!(resume_to(&dir, 0)["status"], "done");
    fs::remove_file(dir.join(".lock")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    let between = fs::metadata(&dir).unwrap().modified().unwrap();
    assert!(between >= before);
    assert_eq!(resume_to(&dir, 0)["status"], "done");
    assert_eq!(fs::metadata(&dir).unwrap().modified().unwrap(), between, "nothing was made in the folder");
}

#[test]
fn a_folder_of_a_version_before_manifests_still_gives_its_summary() {
    let place = Place::new();
    let dir = place.path("run");
    copy_folder(finished(), &dir);
    fs::remove_file(dir.join("manifest.json")).unwrap();
    let mut old = json(&dir.join("summary.json"));
    old["schema"] = 1.into();
    old.as_object_mut().unwrap().retain(|key, _| key != "gain" && key != "warnings");
    fs::write(dir.join("summary.json"), old.to_string()).unwrap();
    let output = zowarmup().arg("resume").arg(&dir).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("manifest.json"), "{}", stderr(&output));
    fs::remove_file(dir.join("summary.json")).unwrap();
    let text = resumed(&dir, &[]).unwrap_err().to_string();
    assert!(text.contains("manifest.json") && text.contains("anew"), "{text}");
}
