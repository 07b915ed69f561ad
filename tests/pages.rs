//! Data larger than memory: what the host holds while a set is loaded, digested and put on a device, counted by the allocator, and on Linux
//! by the system. One test: what is counted is the whole process's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};
use zowarmup::config::Config;
use zowarmup::data::Dataset;

/// Counts the bytes that are allocated, and the most there were at once.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const SAMPLES: usize = 40_000;
/// Values of a sample.
const AREA: usize = 3 * 16 * 16;
/// Bytes of a part that are held.
const HELD: u64 = 4 << 20;

fn value(sample: usize, place: usize) -> u8 {
    (sample.wrapping_mul(31) ^ place.wrapping_mul(7) ^ (sample >> 5)) as u8
}

/// A safetensors file of `SAMPLES` samples of bytes, or of f32, written piece by piece.
fn write(path: &Path, floats: bool) {
    let width = if floats { 4 } else { 1 };
    let (bytes, dtype) = (SAMPLES * AREA * width, if floats { "F32" } else { "U8" });
    let header = format!(
        r#"{{"x":{{"dtype":"{dtype}","shape":[{SAMPLES},3,16,16],"data_offsets":[0,{bytes}]}},"y":{{"dtype":"U8","shape":[{SAMPLES}],"data_offsets":[{bytes},{}]}}}}"#,
        bytes + SAMPLES
    );
    let mut file = BufWriter::new(File::create(path).unwrap());
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    for sample in 0..SAMPLES {
        for place in 0..AREA {
            let value = value(sample, place);
            if floats {
                file.write_all(&(f32::from(value) / 16.0 - 3.0).to_le_bytes()).unwrap();
            } else {
                file.write_all(&[value]).unwrap();
            }
        }
    }
    file.write_all(&(0..SAMPLES).map(|i| (i % 10) as u8).collect::<Vec<_>>()).unwrap();
    file.flush().unwrap();
}

/// The most memory that the process had, in bytes, since `forget` was written last; `None` where the system doesn't tell.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<usize>().ok()? << 10)
}

fn forget() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// Digest of the training samples, as a run takes it.
fn digest(data: &Dataset) -> String {
    let mut hash = Sha256::new();
    data.train.blocks(1 << 20).for_each(|block| hash.update(block.unwrap().raw()));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_large_set_is_never_held() {
    let dir = tempfile::tempdir().unwrap();
    for floats in [false, true] {
        let path = dir.path().join(format!("{floats}.safetensors"));
        write(&path, floats);
        let size = std::fs::metadata(&path).unwrap().len() as usize;
        let sets = ["data.name=safetensors".to_owned(), format!("data.path={}", path.display())];
        let config = Config::load(None, &sets).unwrap().data;

        let system = forget();
        let (before, resident_before) = (NOW.load(Ordering::Relaxed), resident());
        MOST.store(before, Ordering::Relaxed);
        let data = Dataset::load_within(&config, HELD).unwrap();
        let digested = digest(&data);
        let moments = data.moments().unwrap();
        let held = MOST.load(Ordering::Relaxed) - before;
        println!("{size} bytes of a file, {held} held at once");
        // A part below the limit may be held; labels and numbers take 8 bytes a sample, a block of samples some MiB twice.
        let most = HELD as usize + 3 * 8 * SAMPLES + (12 << 20);
        assert!(held < most && most < size.max(25 << 20), "{held} of {size}, expected less than {most}");
        if let (true, Some(before), Some(after)) = (system, resident_before, resident()) {
            let grown = after.saturating_sub(before);
            println!("{grown} more resident");
            // The allocator of the system may keep what it got back.
            assert!(grown < 2 * most, "{grown}, expected less than {}", 2 * most);
        }

        // The same values as those of a set that is held.
        let whole = Dataset::load_within(&config, u64::MAX).unwrap();
        assert!(whole.train.held().is_some() && data.train.held().is_none());
        assert_eq!((digested, moments), (digest(&whole), whole.moments().unwrap()));
        assert_eq!((&data.train.labels, &data.normalisation), (&whole.train.labels, &whole.normalisation));
    }
}
