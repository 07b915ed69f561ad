//! The runs that a report is of.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Group, GroupFigures, find, group};
use crate::fed::RunFolder;
use crate::fed::record::Record;
use crate::fed::sweep::INDEX;
use crate::files::folder_of;

/// A folder of which nothing could be reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The folder.
    pub path: String,
    /// Why, naming the file.
    pub message: String,
}

/// Finished runs, in groups.
#[derive(Debug)]
pub struct Report {
    /// The heading.
    pub title: String,
    /// Runs that differ only by their seeds, in the order in which the first of each was found.
    pub groups: Vec<Group>,
    /// What was left out.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Of runs' folders, and of folders that hold such (a sweep's, a comparison's). What can't be read is among the problems.
    pub fn of(paths: &[PathBuf]) -> Self {
        let (mut records, mut problems) = (Vec::new(), Vec::new());
        let problem = |path: &Path, message: String| Problem { path: path.display().to_string(), message };
        let (mut known, mut indices) = (std::collections::HashSet::new(), find::Indices::default());
        for path in paths {
            match find::runs(path) {
                Ok(found) => {
                    for dir in found.into_iter().filter(|dir| known.insert(dir.clone())) {
                        match Record::read(&dir) {
                            Ok(record) => {
                                if let Err(message) = indices.look(&dir) {
                                    problems.push(problem(&dir, message));
                                }
                                records.push(record);
                            }
                            Err(error) => problems.push(problem(&dir, error.to_string())),
                        }
                    }
                }
                Err(message) => problems.push(problem(path, message)),
            }
        }
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        let title = if names.len() == 1 { names[0].clone() } else { format!("{} runs", records.len()) };
        Self { title, groups: group::groups(records, &indices), problems }
    }

    /// Of runs that are read already.
    pub fn of_records(title: &str, records: Vec<Record>) -> Self {
        Self {
            title: title.to_owned(),
            groups: group::groups(records, &find::Indices::default()),
            problems: Vec::new(),
        }
    }

    /// With another heading.
    #[must_use]
    pub fn titled(mut self, title: &str) -> Self {
        self.title = title.to_owned();
        self
    }

    /// What it is read from, or may be: the files of its runs, and the indices of their sweeps.
    pub fn inputs(&self) -> Vec<PathBuf> {
        let runs = self.groups.iter().flat_map(|group| &group.runs);
        runs.flat_map(|run| RunFolder::files(&run.dir).into_iter().chain([folder_of(&run.dir).join(INDEX)])).collect()
    }

    /// The figures of each group.
    pub fn figures(&self) -> Vec<GroupFigures> {
        self.groups.iter().map(Group::figures).collect()
    }
}
