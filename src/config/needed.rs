//! What a set's files are called, and the part of docs/data.md that tells where they come from: for messages about a set that isn't there.

use super::names::DataName;

impl DataName {
    /// Files that a set needs, and the heading in docs/data.md; `None` for a set that needs none.
    pub fn files(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Cifar10 => ("the folder of data_batch_1.bin to data_batch_5.bin and test_batch.bin", "CIFAR-10"),
            Self::Cifar100 => ("the folder of train.bin and test.bin", "CIFAR-100"),
            Self::Idx => (
                "the folder of train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each of which may end with .gz",
                "Fashion-MNIST",
            ),
            Self::Npz => ("an .npz file with arrays x and y", "Your own data: npz, safetensors"),
            Self::Safetensors => ("a .safetensors file with tensors x and y", "Your own data: npz, safetensors"),
            Self::Images => ("a folder with a folder of images for each class", "Your own data: images"),
            Self::Csv => ("a .csv file of features and a label column", "Your own data: CSV, Parquet"),
            Self::Parquet => ("a .parquet file of features and a label column", "Your own data: CSV, Parquet"),
            Self::Leaf => ("a .json file of LEAF, or a folder with train and test folders of them", "LEAF"),
            Self::ImageNet32 => (
                "the folder of train_data_batch_1 to train_data_batch_10 and val_data, pickles or .npz files",
                "ImageNet32",
            ),
            Self::Digits => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_heading_stands_in_the_page() {
        let page = include_str!("../../docs/data.md");
        let names = DataName::NAMES.iter().filter_map(|name| name.parse().ok());
        let found: Vec<&str> = names.filter_map(DataName::files).map(|(_, heading)| heading).collect();
        assert_eq!(found.len(), DataName::NAMES.len() - 1);
        for heading in found {
            assert!(page.lines().any(|line| line == format!("## {heading}")), "{heading}");
        }
    }
}
