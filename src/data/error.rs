//! What can be wrong with data files.

use crate::files::Kind;
use std::path::PathBuf;

/// An error in reading a data set.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Values that a program hands over make no data set.
    #[error("{name}: {message}")]
    Given {
        /// The set's name.
        name: String,
        /// What was found and expected.
        message: String,
    },
    /// None of the names that a file may have exists.
    #[error("{}: no {what} found; tried {}", folder.display(), tried.join(", "))]
    Missing {
        /// Folder that was searched.
        folder: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// Names that were tried.
        tried: Vec<String>,
    },
    /// The data path is no folder.
    #[error("{}: expected a folder with {what}", path.display())]
    NotAFolder {
        /// `data.path`.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The operating system refused.
    #[error("{}: cannot read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is of another kind.
    #[error("{}: expected {expected}, found {kind}; {}", path.display(), mend(*kind))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: Kind,
        /// What it should be.
        expected: &'static str,
    },
    /// The folder holds the files of more than one set.
    #[error(
        "{}: expected the files of one set, found those of {} (by what stands before train-images-...); give each set a folder of \
         its own",
        folder.display(),
        sets.iter().map(|set| format!("\"{set}\"")).collect::<Vec<_>>().join(", ")
    )]
    SeveralSets {
        /// `data.path`.
        folder: PathBuf,
        /// What stands before the sets' file names.
        sets: Vec<String>,
    },
    /// More samples than are taken into memory.
    #[error("{}: its samples take {bytes} bytes, expected at most {most}; {key} = n keeps the first n of each class; plain files, such as those of np.savez, are read in pages", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes of the samples that are kept.
        bytes: u64,
        /// The limit.
        most: u64,
        /// The config's key that keeps fewer.
        key: &'static str,
    },
    /// The file isn't any more what was checked.
    #[error("{}: it has changed while it was in use; start again once it is whole", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The gzip stream is damaged.
    #[error("{}: damaged gzip data after {decoded} decoded bytes: {message}", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// Bytes that could be decoded.
        decoded: u64,
        /// The decoder's explanation.
        message: String,
    },
    /// A file is shorter or longer than it should be.
    #[error("{}: {found} bytes found, expected {expected}", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// How many bytes it has.
        found: String,
        /// How many it should have.
        expected: String,
    },
    /// A field of a header has a wrong value.
    #[error("{}: byte {byte}: {field} is {found}, expected {expected}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// Offset of the field, in the decoded file.
        byte: usize,
        /// Its name.
        field: &'static str,
        /// Its value.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// Images and labels, or training and test part, don't belong together.
    #[error("{}: {found}, expected {expected} as in {}", path.display(), other.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: String,
        /// What the other has.
        expected: String,
        /// The file it was compared with.
        other: PathBuf,
    },
    /// A label that names no class.
    #[error("{}: record {record} (byte {byte}): label {label}, expected 0 to {most}", path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// Index of the sample in the file.
        record: usize,
        /// Offset of the label, in the decoded file.
        byte: u64,
        /// The label.
        label: i64,
        /// The largest label that there may be.
        most: u32,
    },
    /// A line of a text file is malformed.
    #[error("{}: line {line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// An array of a file is not what it should be.
    #[error("{}: array `{array}`: {message}", path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// Its name.
        array: String,
        /// What it is, and what was expected.
        message: String,
    },
    /// A file of arrays lacks one.
    #[error("{}: arrays {found}; expected {expected}", path.display())]
    Arrays {
        /// The file.
        path: PathBuf,
        /// The arrays it has.
        found: String,
        /// Those it should have.
        expected: String,
    },
    /// A damaged file of arrays.
    #[error("{}: not a whole {what}: {message}", path.display())]
    Container {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// What is wrong.
        message: String,
    },
    /// A file or folder among images by class that is none.
    #[error("{}: {message}", path.display())]
    Image {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// A part without samples.
    #[error("{name}: no {part} samples")]
    NoSamples {
        /// The set.
        name: String,
        /// `training` or `test`.
        part: &'static str,
    },
    /// The normalisation doesn't fit the channels.
    #[error("data.mean and data.std: {found} entries, expected {channels}: one for each channel of {name}")]
    Channels {
        /// Entries given.
        found: usize,
        /// Channels of the set.
        channels: usize,
        /// The set.
        name: String,
    },
    /// `data.normalisation` is of a set with another number of channels.
    #[error("data.normalisation = \"{normalisation}\": {found} channels, expected {channels} as {name} has")]
    NamedChannels {
        /// The name.
        normalisation: String,
        /// Its channels.
        found: usize,
        /// Channels of the set.
        channels: usize,
        /// The set.
        name: String,
    },
    /// `data.shape` doesn't fit the samples.
    #[error("{name}: {message}")]
    Shape {
        /// The set.
        name: String,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// A reader that was left out of this build.
    #[error(
        "data.name = \"{name}\" needs the feature \"{feature}\", which this build lacks (cargo build --features {feature}); or use csv or npz"
    )]
    NotBuilt {
        /// `data.name`.
        name: String,
        /// The crate's feature.
        feature: &'static str,
    },
    /// The samples of a user of LEAF's files are not what they should be.
    #[error("{}: user `{user}`: {message}", path.display())]
    User {
        /// The file.
        path: PathBuf,
        /// The user.
        user: String,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// A column of a table is not what it should be.
    #[error("{}: column `{column}`: {message}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// Its name.
        column: String,
        /// What it is, and what was expected.
        message: String,
    },
    /// A set's files aren't where `data.path` says.
    #[error("{source}; data.name = \"{name}\" needs {files}: docs/data.md, \"{section}\", says more")]
    NotThere {
        /// What is missing.
        source: Box<DataError>,
        /// `data.name`.
        name: String,
        /// All that the set needs.
        files: &'static str,
        /// Heading in docs/data.md.
        section: &'static str,
    },
    /// `data.path` is needed but not given.
    #[error("data.path is empty; data.name = \"{name}\" needs the path of its files")]
    NoPath {
        /// `data.name`.
        name: String,
    },
}

impl DataError {
    /// Whether the files are simply not there.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::NotAFolder { .. } | Self::NotThere { .. } => true,
            Self::Read { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        }
    }
}

/// What to do about a file of another kind.
fn mend(kind: Kind) -> &'static str {
    match kind {
        Kind::Html => "download it again, from the link to the raw file",
        Kind::LfsPointer => "fetch the file itself with: git lfs pull",
        Kind::Empty => "download or copy it again",
        Kind::Parquet => "read it with data.name = \"parquet\"",
        Kind::NumpyZip => "read it with data.name = \"npz\"",
        Kind::Safetensors => "read it with data.name = \"safetensors\"",
        Kind::Gzip | Kind::Tar | Kind::Bzip2 | Kind::Xz | Kind::Zstd | Kind::Zip => "unpack it first",
        Kind::Pickle | Kind::TorchZip | Kind::Numpy | Kind::Hdf5 | Kind::Json => {
            "save its samples as arrays x and y with np.savez (docs/data.md shows how)"
        }
    }
}
