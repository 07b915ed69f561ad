//! Compiled pipelines on disk, where the backend gives them out (wgpu's `PIPELINE_CACHE`: Vulkan).
//!
//! A file an adapter, driver and version of this program. It begins with a line that says whose it is and how long, and with what digest,
//! the rest is; a file that isn't so is left aside. It is written when the device is closed, if pipelines were made that it lacks.

use std::path::{Path, PathBuf};

use crate::caps::AdapterInfo;
use crate::files::{self, Limit, sha256_hex};
use crate::version;

/// The most that a file may hold.
const LIMIT: Limit = Limit { bytes: 512 << 20, what: "a cache of pipelines" };

/// How each file begins.
const MAGIC: &str = "zowarmup pipelines 1";

/// A file of pipelines, open for a device.
pub struct Store {
    cache: wgpu::PipelineCache,
    path: PathBuf,
    owner: String,
    /// Digest of what was read; empty: nothing.
    read: String,
    /// Pipelines were made since.
    stale: bool,
}

/// Whose pipelines they are.
fn owner(info: &AdapterInfo) -> String {
    let text = format!("{} | {} | {} | {}", info.name, info.backend, info.driver, version::text());
    text.replace(['\n', '\r'], " ")
}

/// The file of an adapter's pipelines in a folder.
pub fn path(folder: &Path, info: &AdapterInfo) -> PathBuf {
    let digest = sha256_hex(owner(info).as_bytes());
    folder.join(format!("pipelines-{}", digest.get(..16).unwrap_or(&digest)))
}

/// A file's content.
fn pack(owner: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{MAGIC}\n{owner}\n{} {}\n", data.len(), sha256_hex(data)).into_bytes();
    bytes.extend_from_slice(data);
    bytes
}

/// What a file holds for this owner; the error says what is wrong with it.
fn unpack<'a>(owner: &str, bytes: &'a [u8]) -> Result<&'a [u8], &'static str> {
    let mut rest = bytes;
    let mut line = || {
        let end = rest.iter().position(|b| *b == b'\n').ok_or("it ends within its header")?;
        let (line, behind) = (&rest[..end], &rest[end + 1..]);
        rest = behind;
        std::str::from_utf8(line).map_err(|_| "its header is no text")
    };
    if line()? != MAGIC {
        return Err("it begins with something else");
    }
    if line()? != owner {
        return Err("it is another adapter's, driver's or version's");
    }
    let (length, digest) = line()?.split_once(' ').ok_or("its header lacks a length and a digest")?;
    if length.parse() != Ok(rest.len()) {
        return Err("it is cut short, or longer than it says");
    }
    if sha256_hex(rest) != digest {
        return Err("its digest is another's");
    }
    Ok(rest)
}

impl Store {
    /// Reads an adapter's file in `folder`, where there is one; a broken one is left aside with a warning.
    pub fn open(device: &wgpu::Device, folder: &Path, info: &AdapterInfo) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let (path, owner) = (path(folder, info), owner(info));
        let held = if path.exists() { files::read(&path, LIMIT).map_err(|e| e.to_string()) } else { Ok(Vec::new()) };
        let data = held.and_then(|bytes| match bytes.is_empty() {
            true => Ok(Vec::new()),
            false => unpack(&owner, &bytes).map(<[u8]>::to_vec).map_err(|why| format!("{}: {why}", path.display())),
        });
        let data = data.unwrap_or_else(|why| {
            tracing::warn!("kept pipelines are left aside: {why}");
            Vec::new()
        });
        let read = if data.is_empty() { String::new() } else { sha256_hex(&data) };
        let descriptor = wgpu::PipelineCacheDescriptor {
            label: Some("pipelines"),
            data: (!data.is_empty()).then_some(data.as_slice()),
            fallback: true,
        };
        // SAFETY: what is handed over came from `get_data` of a cache of the same adapter, driver and version: the header names them, and the
        // digest says that no byte changed since. wgpu and the driver check headers of their own, too.
        let cache = super::faults::scoped(device, || unsafe { device.create_pipeline_cache(&descriptor) });
        match cache {
            Ok(cache) => Some(Self { cache, path, owner, read, stale: false }),
            Err(error) => {
                tracing::warn!("pipelines can't be kept: {error}");
                None
            }
        }
    }

    /// The cache to make pipelines with.
    pub fn cache(&self) -> &wgpu::PipelineCache {
        &self.cache
    }

    /// Notes that pipelines were made.
    pub fn made(&mut self) {
        self.stale = true;
    }

    /// Writes the file, if it would hold more than what was read.
    fn save(&self) -> Result<(), String> {
        let Some(data) = self.cache.get_data() else { return Ok(()) };
        if data.len() as u64 > LIMIT.bytes / 2 || sha256_hex(&data) == self.read {
            return Ok(());
        }
        std::fs::create_dir_all(files::folder_of(&self.path)).map_err(|e| e.to_string())?;
        files::write_whole(&self.path, &pack(&self.owner, &data)).map_err(|e| e.to_string())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.stale
            && let Err(why) = self.save()
        {
            tracing::warn!("pipelines are not kept: {why}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caps::AdapterKind;
    use crate::device::{Device, Selection, testing};
    use crate::kernels::fill_constant;
    use crate::recording::{Recording, Span};

    #[test]
    fn only_a_whole_file_of_the_owner_is_taken() {
        let bytes = pack("card", b"pipelines");
        assert_eq!(unpack("card", &bytes), Ok(&b"pipelines"[..]));
        assert!(unpack("other", &bytes).is_err_and(|why| why.contains("another adapter")));
        for end in 0..bytes.len() {
            assert!(unpack("card", &bytes[..end]).is_err(), "{end}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(unpack("card", &damaged).is_err(), "{at}");
        }
        assert!(unpack("card", &[&bytes[..], b"x"].concat()).is_err());
    }

    /// Fills a buffer on a device that keeps its pipelines in `folder`; the file it left.
    fn filled(folder: &Path) -> Option<Vec<u8>> {
        let candidates = super::super::candidates();
        let selection = Selection { pipelines: Some(folder.to_owned()), ..Selection::default() };
        let mut device = super::super::open(&candidates[0], &selection).unwrap();
        let file = path(folder, device.info());
        let buffer = Span::of(device.create_buffer("values", 64).unwrap(), 64);
        let mut rec = Recording::new();
        fill_constant::record(&mut rec, buffer, 2.5);
        rec.read_back(buffer);
        assert_eq!(crate::device::as_f32(&device.run(&rec).unwrap().concat()), [2.5; 16]);
        drop(device);
        std::fs::read(file).ok()
    }

    #[test]
    fn pipelines_are_kept_and_a_broken_file_is_left_aside() {
        if testing::device().info().kind == AdapterKind::Reference {
            println!("skipped: the CPU twins have no pipelines");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new");
        let Some(first) = filled(&folder) else {
            println!("skipped: this adapter gives no pipelines out");
            return;
        };
        assert!(first.starts_with(MAGIC.as_bytes()));
        assert!(filled(&folder).is_some());
        let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        for broken in [&b"something else"[..], &first[..first.len() - 1], b""] {
            std::fs::write(&file, broken).unwrap();
            let again = filled(&folder).unwrap();
            assert!(again.starts_with(MAGIC.as_bytes()) && again.len() > MAGIC.len() + 64);
        }
    }
}
