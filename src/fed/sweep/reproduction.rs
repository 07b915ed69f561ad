//! The paper's tables and figures as sweeps: the descriptions of `configs/paper` and `configs/small`, which are part of the program.

use std::path::{Path, PathBuf};

/// How large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// As in the paper: CIFAR-10 with a ResNet18 or a ViT.
    Paper,
    /// Digits with a small MLP.
    Digits,
    /// Fashion-MNIST with a small MLP.
    Fashion,
}

/// A table or figure of the paper.
#[derive(Debug)]
pub struct Reproduction {
    /// `table2`, `figure4`.
    pub name: &'static str,
    paper: &'static str,
    digits: &'static str,
    fashion: &'static str,
}

macro_rules! of {
    ($name:literal) => {
        Reproduction {
            name: $name,
            paper: include_str!(concat!("../../../configs/paper/", $name, ".toml")),
            digits: include_str!(concat!("../../../configs/small/", $name, ".toml")),
            fashion: include_str!(concat!("../../../configs/small/fashion/", $name, ".toml")),
        }
    };
}

/// All of them.
pub static TABLES: [Reproduction; 11] = [
    of!("table1"),
    of!("table2"),
    of!("table3"),
    of!("table4"),
    of!("table5"),
    of!("table6"),
    of!("table7"),
    of!("figure3"),
    of!("figure4"),
    of!("figure6"),
    of!("figure7"),
];

/// The configs that descriptions begin with, by their places.
const BASES: [(&str, &str); 4] = [
    ("cifar10-resnet18.toml", include_str!("../../../configs/cifar10-resnet18.toml")),
    ("cifar10-vit.toml", include_str!("../../../configs/cifar10-vit.toml")),
    ("digits.toml", include_str!("../../../configs/digits.toml")),
    ("fashion-mnist-mlp.toml", include_str!("../../../configs/fashion-mnist-mlp.toml")),
];

impl Reproduction {
    /// By its name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// The text of its description.
    pub fn text(&self, size: Size) -> &'static str {
        match size {
            Size::Paper => self.paper,
            Size::Digits => self.digits,
            Size::Fashion => self.fashion,
        }
    }

    /// Its description, which comes last, and the configs that such begin with, below a folder as they lie in the project: paths and contents.
    pub fn files(&self, size: Size, dir: &Path) -> Vec<(PathBuf, &'static str)> {
        let folder = match size {
            Size::Paper => "paper",
            Size::Digits => "small",
            Size::Fashion => "small/fashion",
        };
        let configs = dir.join("configs");
        let path = configs.join(folder).join(format!("{}.toml", self.name));
        let bases = BASES.iter().map(|(name, text)| (configs.join(name), *text));
        bases.chain([(path, self.text(size))]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fed::sweep::Description;

    #[test]
    fn what_is_written_loads_where_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        for table in &TABLES {
            for size in [Size::Paper, Size::Digits, Size::Fashion] {
                let files = table.files(size, dir.path());
                for (path, text) in &files {
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, text).unwrap();
                }
                let (description, cells) = Description::load(&files[files.len() - 1].0).unwrap();
                assert_eq!(description.table, table.name);
                assert!(!cells.is_empty() && description.base.unwrap().is_file());
            }
        }
        assert!(Reproduction::named("table2").is_some() && Reproduction::named("figure5").is_none());
    }
}
