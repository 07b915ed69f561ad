//! Which files of a folder are a set's: `train-images-idx3-ubyte` and its like, also with the set's name in front
//! (`emnist-letters-train-images-idx3-ubyte`), `test` for `t10k`, `.` for `-` before `idx`, and `.gz` behind.

use super::header::Content;
use crate::data::DataError;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The files of a set.
pub(super) struct Files {
    /// Images and labels of the training part.
    pub train: [PathBuf; 2],
    /// Of the test part.
    pub test: [PathBuf; 2],
}

/// A part of a set, by the words its files carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Train,
    Test,
}

/// What a file's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    prefix: String,
    part: Part,
    content: Content,
}

impl Name {
    fn of(name: &str) -> Option<Self> {
        let name = name.strip_suffix(".gz").unwrap_or(name);
        let (front, tail) = name.split_at(name.rfind("idx")?);
        // `idx3-ubyte`: the number of dimensions and the type. The header says what counts.
        let form = tail.strip_prefix("idx")?.strip_prefix(|c: char| c.is_ascii_digit())?.strip_prefix('-')?;
        if form.is_empty() || !form.chars().all(|c| c.is_ascii_alphanumeric()) {
            return None;
        }
        let front = front.strip_suffix(['-', '.'])?;
        let (front, content) = match front.strip_suffix("images") {
            Some(front) => (front, Content::Images),
            None => (front.strip_suffix("labels")?, Content::Labels),
        };
        let front = front.strip_suffix(['-', '_'])?;
        let words = [("train", Part::Train), ("t10k", Part::Test), ("test", Part::Test)];
        let (prefix, part) = words.into_iter().find_map(|(word, part)| Some((front.strip_suffix(word)?, part)))?;
        let whole = prefix.is_empty() || prefix.ends_with(['-', '_']);
        whole.then(|| Self { prefix: prefix.to_owned(), part, content })
    }
}

/// Finds the four files. Names without a set's name in front go before those with one; plain files before gzipped ones.
///
/// # Errors
/// A folder that can't be listed; files that are missing; the files of several sets.
pub(super) fn find(folder: &Path) -> Result<Files, DataError> {
    let read = |source| DataError::Read { path: folder.to_owned(), source };
    let mut found: Vec<(Name, String)> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        if let Ok(text) = entry.map_err(read)?.file_name().into_string()
            && let Some(name) = Name::of(&text)
        {
            found.push((name, text));
        }
    }
    let sets: BTreeSet<&str> = found.iter().map(|(name, _)| name.prefix.as_str()).collect();
    let set = match sets.first() {
        Some(&first) if first.is_empty() || sets.len() == 1 => first.to_owned(),
        None => String::new(),
        Some(_) => {
            let sets = sets.into_iter().map(str::to_owned).collect();
            return Err(DataError::SeveralSets { folder: folder.to_owned(), sets });
        }
    };
    let file = |part: Part, content: Content| {
        let wanted = Name { prefix: set.clone(), part, content };
        let names = found.iter().filter(|(name, _)| *name == wanted).map(|(_, text)| text);
        let best = names.min_by_key(|text| (text.ends_with(".gz"), text.contains(".idx"), text.as_str()));
        best.map(|text| folder.join(text)).ok_or_else(|| missing(folder, &wanted))
    };
    let both = |part| Ok::<_, DataError>([file(part, Content::Images)?, file(part, Content::Labels)?]);
    Ok(Files { train: both(Part::Train)?, test: both(Part::Test)? })
}

fn missing(folder: &Path, name: &Name) -> DataError {
    let (what, kind) = match name.content {
        Content::Images => ("IDX image file", "images-idx3-ubyte"),
        Content::Labels => ("IDX label file", "labels-idx1-ubyte"),
    };
    let part = if name.part == Part::Train { "train" } else { "t10k" };
    let plain = format!("{}{part}-{kind}", name.prefix);
    let tried = vec![plain.clone(), plain.replace("-idx", ".idx"), "the same with .gz".to_owned()];
    DataError::Missing { folder: folder.to_owned(), what, tried }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_part_content_and_set() {
        let name = |prefix: &str, part, content| Some(Name { prefix: prefix.to_owned(), part, content });
        for (text, expected) in [
            ("train-images-idx3-ubyte", name("", Part::Train, Content::Images)),
            ("t10k-labels.idx1-ubyte.gz", name("", Part::Test, Content::Labels)),
            ("emnist-letters-test-labels-idx1-ubyte.gz", name("emnist-letters-", Part::Test, Content::Labels)),
            ("qmnist-train-labels-idx2-int", name("qmnist-", Part::Train, Content::Labels)),
            ("train-images-idx4-ubyte", name("", Part::Train, Content::Images)),
            ("contest-images-idx3-ubyte", None),
            ("train-images.png", None),
            ("train-images-idx-ubyte", None),
            ("train-images-idx3-", None),
            ("idx", None),
            ("", None),
        ] {
            assert_eq!(Name::of(text), expected, "{text}");
        }
    }
}
