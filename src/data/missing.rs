//! What a set's files are called, and the part of docs/data.md that tells where they come from: for the message about a set that isn't
//! there.

use crate::config::DataName;

/// Files that a set needs, and the heading in docs/data.md; `None` for sets that need none, and those that can't be read.
pub(super) fn files(name: DataName) -> Option<(&'static str, &'static str)> {
    Some(match name {
        DataName::Cifar10 => ("the folder of data_batch_1.bin to data_batch_5.bin and test_batch.bin", "CIFAR-10"),
        DataName::Cifar100 => ("the folder of train.bin and test.bin", "CIFAR-100"),
        DataName::Idx => (
            "the folder of train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each of which may end with .gz",
            "Fashion-MNIST",
        ),
        DataName::Npz => ("an .npz file with arrays x and y", "Your own data: npz, safetensors"),
        DataName::Safetensors => ("a .safetensors file with tensors x and y", "Your own data: npz, safetensors"),
        DataName::Images => ("a folder with a folder of images for each class", "Your own data: images"),
        DataName::Csv => ("a .csv file of features and a label column", "Your own data: CSV, Parquet"),
        DataName::Parquet => ("a .parquet file of features and a label column", "Your own data: CSV, Parquet"),
        DataName::Leaf => ("a .json file of LEAF, or a folder with train and test folders of them", "LEAF"),
        DataName::ImageNet32 => (
            "the folder of train_data_batch_1 to train_data_batch_10 and val_data, pickles or .npz files",
            "ImageNet32",
        ),
        DataName::Digits => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_heading_stands_in_the_page() {
        let page = include_str!("../../docs/data.md");
        let names = DataName::NAMES.iter().filter_map(|name| name.parse().ok());
        let found: Vec<&str> = names.filter_map(files).map(|(_, heading)| heading).collect();
        assert_eq!(found.len(), DataName::NAMES.len() - 1);
        for heading in found {
            assert!(page.lines().any(|line| line == format!("## {heading}")), "{heading}");
        }
    }
}
