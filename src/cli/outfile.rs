//! A file that a command is told to write (`--out`, `--dump`): what may be replaced, and what is written to as it is.
//!
//! A device, a FIFO or an open descriptor (`/dev/stdout`) is written to; a symbolic link is followed, and its target replaced whole,
//! beside the target; a file that the command reads, or that lies in a folder which it reads, is never replaced, by whatever name; another
//! file that exists only with `--force`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::files::{self, FileError, folder_of};

/// Links that are followed before they count as a circle, as in the system's own look-ups.
const MOST_LINKS: u32 = 40;

/// Where a command's output goes.
#[derive(Clone, Debug)]
pub struct OutFile {
    path: PathBuf,
    force: bool,
    inputs: Vec<PathBuf>,
}

/// What a path leads to.
enum Place {
    /// The command's own standard output.
    Stdout,
    /// Something that bytes are appended to: a device, a FIFO, another open descriptor.
    Stream(PathBuf),
    /// A file, replaced whole, or a new one.
    File(PathBuf),
}

impl OutFile {
    /// The output at `path` of a command that reads `inputs`. Asked before the work begins, so that nothing is computed in vain.
    ///
    /// # Errors
    /// The path leads to a folder, to one of the inputs, or, without `force`, to another file that exists.
    pub fn new(path: &Path, force: bool, inputs: &[&Path]) -> Result<Self, Error> {
        let file = Self { path: path.to_owned(), force, inputs: inputs.iter().map(|&i| i.to_owned()).collect() };
        file.place()?;
        Ok(file)
    }

    /// The output of a command that turns out to read these, too: files, or folders of files.
    ///
    /// # Errors
    /// As [`OutFile::new`].
    pub fn beside(mut self, inputs: impl IntoIterator<Item = PathBuf>) -> Result<Self, Error> {
        self.inputs.extend(inputs);
        self.place()?;
        Ok(self)
    }

    /// Writes the output; a file is written whole or not at all.
    ///
    /// # Errors
    /// As [`OutFile::new`], asked again, for the world may have changed; or what the system says.
    pub fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        match self.place()? {
            Place::Stdout => super::output::raw_bytes(bytes),
            Place::Stream(path) => {
                let written = OpenOptions::new().append(true).open(&path).and_then(|mut file| file.write_all(bytes));
                written.map_err(|e| self.failed(e))
            }
            Place::File(path) => Ok(files::write_whole(&path, bytes)?),
        }
    }

    /// The path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn place(&self) -> Result<Place, Error> {
        let mut path = self.path.clone();
        for _ in 0..=MOST_LINKS {
            if let Some(number) = descriptor(&path) {
                self.refuse_input(&path)?;
                return Ok(if number == 1 { Place::Stdout } else { Place::Stream(path) });
            }
            let found = match fs::symlink_metadata(&path) {
                Ok(found) => found,
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Place::File(path)),
                Err(e) => return Err(self.failed(e)),
            };
            if found.is_symlink() {
                let target = fs::read_link(&path).map_err(|e| self.failed(e))?;
                path = folder_of(&path).join(target);
            } else if found.is_dir() {
                return Err(self.refused("is a folder; name a file"));
            } else if found.is_file() {
                self.refuse_input(&path)?;
                if !self.force {
                    return Err(self.refused("exists; name a new file, or replace it with --force"));
                }
                return Ok(Place::File(path));
            } else {
                return Ok(Place::Stream(path));
            }
        }
        Err(self.refused("its symbolic links lead in a circle; name a file"))
    }

    fn refuse_input(&self, path: &Path) -> Result<(), Error> {
        match self.inputs.iter().find(|input| same_file(input, path) || lies_in(path, input)) {
            None => Ok(()),
            Some(folder) if folder.is_dir() => Err(self.refused(&format!(
                "lies in {}, which this command reads, and an input is never replaced; name another file",
                folder.display()
            ))),
            Some(input) if *input == self.path => {
                Err(self.refused("is read by this command, and an input is never replaced; name another file"))
            }
            Some(input) => Err(self.refused(&format!(
                "is the same file as {}, which this command reads, and an input is never replaced; name another file",
                input.display()
            ))),
        }
    }

    fn refused(&self, what: &str) -> Error {
        Error::Request(format!("{}: {what}", self.path.display()))
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::File(FileError::of(&self.path, "write")(error))
    }
}

/// Writes the files of an output folder, and makes the folders that they lie in: nothing where one of them may not be replaced. `inputs` are files,
/// and folders of files, that the command reads.
///
/// # Errors
/// As [`OutFile::new`], or what the system says.
pub fn write_all(
    files: impl IntoIterator<Item = (PathBuf, Vec<u8>)>,
    force: bool,
    inputs: &[PathBuf],
) -> Result<(), Error> {
    let out = |(path, bytes): (PathBuf, Vec<u8>)| {
        let folder = folder_of(&path);
        fs::create_dir_all(folder).map_err(FileError::of(folder, "make"))?;
        let file = OutFile { path, force, inputs: inputs.to_vec() };
        file.place()?;
        Ok((file, bytes))
    };
    let files = files.into_iter().map(out).collect::<Result<Vec<_>, Error>>()?;
    files.iter().try_for_each(|(file, bytes)| file.write(bytes))
}

/// The same of a command's own output folder: what it wrote there is replaced when it is run again.
///
/// # Errors
/// As [`write_all`].
pub fn write_own(files: impl IntoIterator<Item = (PathBuf, Vec<u8>)>, inputs: &[PathBuf]) -> Result<(), Error> {
    write_all(files, true, inputs)
}

/// Whether a file that is there lies somewhere in a folder.
fn lies_in(path: &Path, folder: &Path) -> bool {
    folder.is_dir()
        && fs::canonicalize(folder)
            .is_ok_and(|folder| fs::canonicalize(path).is_ok_and(|path| path.starts_with(folder)))
}

/// The number that a path such as `/dev/fd/1` or `/proc/self/fd/1` names.
fn descriptor(path: &Path) -> Option<u32> {
    let number = path.file_name()?.to_str()?.parse().ok()?;
    let descriptors = fs::canonicalize("/dev/fd").ok()?;
    (fs::canonicalize(folder_of(path)).ok()? == descriptors).then_some(number)
}

/// Whether two paths lead to one regular file.
fn same_file(a: &Path, b: &Path) -> bool {
    let (Ok(first), Ok(second)) = (fs::metadata(a), fs::metadata(b)) else {
        return false;
    };
    #[cfg(unix)]
    let same = {
        use std::os::unix::fs::MetadataExt;
        (first.dev(), first.ino()) == (second.dev(), second.ino())
    };
    #[cfg(not(unix))]
    let same = fs::canonicalize(a).ok().is_some_and(|a| fs::canonicalize(b).is_ok_and(|b| a == b));
    first.is_file() && second.is_file() && same
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn written(path: &Path, force: bool, inputs: &[&Path]) -> Result<(), String> {
        OutFile::new(path, force, inputs).and_then(|out| out.write(b"new")).map_err(|e| e.to_string())
    }

    fn names(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_made_and_replaced_only_when_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        written(&path, false, &[]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        fs::write(&path, b"old").unwrap();
        let refusal = written(&path, false, &[]).unwrap_err();
        assert_eq!(refusal, format!("{}: exists; name a new file, or replace it with --force", path.display()));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        written(&path, true, &[]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(written(dir.path(), true, &[]).unwrap_err().ends_with(": is a folder; name a file"));
        assert_eq!(names(dir.path()), ["a"]);
        let missing = written(&dir.path().join("no/where"), false, &[]).unwrap_err();
        assert!(missing.contains("cannot write"), "{missing}");
    }

    #[test]
    fn inputs_are_never_replaced_by_whatever_name() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("input"), b"input").unwrap();
        fs::hard_link(at("input"), at("hard")).unwrap();
        symlink("input", at("soft")).unwrap();
        symlink("soft", at("softer")).unwrap();
        symlink(at("folder"), at("aside")).unwrap();
        symlink("../input", at("folder/up")).unwrap();
        for name in ["input", "hard", "soft", "softer", "folder/../input", "aside/up"] {
            for input in ["input", "soft", "hard"] {
                let refusal = written(&at(name), true, &[&at("other"), &at(input)]).unwrap_err();
                assert!(refusal.contains("an input is never replaced"), "{name}: {refusal}");
                assert!(refusal.starts_with(at(name).to_str().unwrap()), "{refusal}");
            }
        }
        assert_eq!(fs::read(at("input")).unwrap(), b"input");
        // Nor what lies in a folder that is read; a new file may be made there.
        fs::write(at("folder/deep"), b"input").unwrap();
        symlink("folder/deep", at("to-deep")).unwrap();
        for name in ["folder/deep", "aside/deep", "to-deep"] {
            let out = OutFile::new(&at(name), true, &[]).unwrap().beside([at("folder")]);
            assert!(out.unwrap_err().to_string().contains("an input is never replaced"), "{name}");
        }
        OutFile::new(&at("folder/new"), false, &[]).unwrap().beside([at("folder")]).unwrap();
        OutFile::new(&at("input"), true, &[]).unwrap().beside([at("folder")]).unwrap();
    }

    #[test]
    fn links_are_followed_and_stay() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        symlink("folder/target", at("link")).unwrap();
        // A link to nothing: its target is made.
        written(&at("link"), false, &[]).unwrap();
        assert_eq!(fs::read(at("folder/target")).unwrap(), b"new");
        fs::write(at("folder/target"), b"old").unwrap();
        assert!(written(&at("link"), false, &[]).unwrap_err().contains("--force"));
        written(&at("link"), true, &[]).unwrap();
        assert_eq!(fs::read(at("folder/target")).unwrap(), b"new");
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
        assert_eq!(
            (names(dir.path()), names(&at("folder"))),
            (vec!["folder".into(), "link".into()], vec!["target".into()])
        );
        symlink("b", at("a")).unwrap();
        symlink("a", at("b")).unwrap();
        assert!(written(&at("a"), true, &[]).unwrap_err().contains("circle"));
    }

    #[test]
    fn devices_and_fifos_are_written_to() {
        written(Path::new("/dev/null"), false, &[]).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let dir = tempfile::tempdir().unwrap();
        let (fifo, link) = (dir.path().join("fifo"), dir.path().join("link"));
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        symlink("fifo", &link).unwrap();
        for path in [&fifo, &link] {
            let reader = std::thread::spawn({
                let fifo = fifo.clone();
                move || fs::read(fifo).unwrap()
            });
            written(path, false, &[]).unwrap();
            assert_eq!(reader.join().unwrap(), b"new");
        }
        assert_eq!(names(dir.path()), ["fifo", "link"]);
    }

    /// Whoever adds an option that names a path says here which way it goes. What goes out goes through this module, and stands in a table of
    /// `tests/run/outfiles.rs`.
    #[test]
    fn every_path_of_the_command_line_is_known() {
        use clap::CommandFactory;
        fn paths(name: &str, command: &clap::Command, found: &mut Vec<String>) {
            let is_path =
                |arg: &&clap::Arg| arg.get_value_parser().type_id() == clap::builder::ValueParser::path_buf().type_id();
            found.extend(command.get_arguments().filter(is_path).map(|arg| format!("{name} {}", arg.get_id())));
            command.get_subcommands().for_each(|sub| paths(format!("{name} {}", sub.get_name()).trim(), sub, found));
        }
        let mut found = Vec::new();
        paths("", &crate::cli::Cli::command(), &mut found);
        let outputs = [
            "compare out",
            "completions out",
            "man dir",
            "probe csv",
            "profile trace",
            "replay out",
            "report csv",
            "report out",
            "report tensorboard",
            "reproduce csv",
            "reproduce out",
            "stream dump",
            "sweep csv",
        ];
        // Folders of runs, which must be new.
        let runs = ["fork out", "run out", "sweep out"];
        let inputs = [
            "bench diff after",
            "bench diff before",
            "check dir",
            "compare config",
            "config config",
            "cost config",
            "data check path",
            "eval config",
            "eval split",
            "eval weights",
            "fork origin",
            "model config",
            "probe subject",
            "profile config",
            "replay base",
            "replay ledger",
            "report runs",
            "resume dir",
            "run config",
            "sweep file",
            "tune config",
            "verify files",
            "watch dir",
        ];
        let mut known = [&outputs[..], &runs, &inputs].concat();
        found.sort();
        known.sort_unstable();
        assert_eq!(found, known);
    }

    #[test]
    fn descriptors_are_recognised() {
        assert_eq!(descriptor(Path::new("/dev/fd/1")), Some(1));
        assert_eq!(descriptor(Path::new("/proc/self/fd/7")), Some(7));
        assert_eq!(descriptor(Path::new("/tmp/1")), None);
        assert_eq!(descriptor(Path::new("1")), None);
        assert!(matches!(OutFile::new(Path::new("/dev/stdout"), false, &[]).unwrap().place(), Ok(Place::Stdout)));
    }
}
