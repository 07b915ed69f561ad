//! A part of the training samples that no client gets: what settings are chosen by in the place of the test samples.

use super::partition::histogram;
use super::{Split, SplitError};
use crate::config::{SplitConfig, SplitKind};
use crate::data::Dataset;
use crate::rng::host;

/// `share` of each class's samples, rounded half up: ascending indices into `labels` (each less than `classes`). A function of the split
/// seed alone; a class's are drawn after those of the classes before it, from the domain `split/validation`.
pub fn validation(labels: &[u32], classes: u32, share: f64, seed: u64) -> Vec<u32> {
    let mut rng = host::pcg(seed, "split/validation");
    let mut of_class = vec![Vec::new(); classes as usize];
    labels.iter().enumerate().for_each(|(i, &label)| of_class[label as usize].push(i as u32));
    let mut taken = Vec::new();
    for samples in &of_class {
        // A share such as 0.29 is a little less than written.
        let count = (share * samples.len() as f64 + 0.5 + 1e-9).floor() as u32;
        let drawn = host::choose(&mut rng, samples.len() as u32, count);
        taken.extend(drawn.into_iter().map(|place| samples[place as usize]));
    }
    taken.sort_unstable();
    taken
}

impl Split {
    /// As [`Split::of`], but `held` (ascending) are no client's: they are among the leftover samples. Where clients are dealt, they are dealt
    /// the others; clients of a file or of the data lose those that they have.
    ///
    /// # Errors
    /// As [`Split::of`], of the samples that are left.
    pub fn without(held: &[u32], config: &SplitConfig, data: &Dataset, seed: u64) -> Result<Self, SplitError> {
        let labels = &data.train.labels;
        let is_held = |i: &u32| held.binary_search(i).is_ok();
        let mut split = match config.kind {
            SplitKind::File | SplitKind::Natural => {
                let mut split = Self::of(config, data, seed)?;
                for (list, counts) in split.clients.iter_mut().zip(&mut split.histograms) {
                    list.retain(|i| !is_held(i));
                    *counts = histogram(list, labels, data.classes);
                }
                split.leftover.retain(|i| !is_held(i));
                split
            }
            _ => {
                let kept: Vec<u32> = (0..labels.len() as u32).filter(|i| !is_held(i)).collect();
                let left: Vec<u32> = kept.iter().map(|&i| labels[i as usize]).collect();
                let mut split = Self::new(config, &left, data.classes, seed, data.test_indices.clone())?;
                for list in split.clients.iter_mut().chain([&mut split.leftover]) {
                    list.iter_mut().for_each(|i| *i = kept[*i as usize]);
                }
                split
            }
        };
        split.leftover.extend_from_slice(held);
        split.leftover.sort_unstable();
        Ok(split)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// 40 samples of class 0, 25 of class 1, 2 of class 2.
    fn labels() -> Vec<u32> {
        (0..67).map(|i| if i % 5 < 3 && i < 66 { 0 } else { 1 + u32::from(i >= 65) }).collect()
    }

    fn config(sets: &[&str]) -> SplitConfig {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        Config::load(None, &sets).unwrap().split
    }

    #[test]
    fn the_part_is_stratified_and_a_function_of_the_seed() {
        let labels = labels();
        let part = validation(&labels, 3, 0.2, 7);
        let count = |class: u32, of: &[u32]| of.iter().filter(|&&i| labels[i as usize] == class).count();
        let all: Vec<u32> = (0..67).collect();
        for class in 0..3 {
            let expected = (0.2 * count(class, &all) as f64 + 0.5).floor() as usize;
            assert_eq!(count(class, &part), expected, "class {class}");
        }
        assert!(part.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(part, validation(&labels, 3, 0.2, 7));
        assert_ne!(part, validation(&labels, 3, 0.2, 8));
        assert!(validation(&labels, 3, 0.0, 7).is_empty());
    }

    fn data(labels: Vec<u32>) -> Dataset {
        let mut data = Dataset::load(&Config::load(None, &[]).unwrap().data).unwrap();
        data.train = data.train.select(&vec![0; labels.len()]);
        (data.train.labels, data.classes, data.test_indices) = (labels, 3, None);
        data
    }

    fn assert_whole(split: &Split, held: &[u32], labels: &[u32]) {
        let mut all: Vec<u32> = split.clients.concat();
        assert!(all.iter().all(|i| held.binary_search(i).is_err()) && !all.is_empty());
        assert!(held.iter().all(|i| split.leftover.binary_search(i).is_ok()));
        all.extend(&split.leftover);
        all.sort_unstable();
        assert_eq!(all, (0..labels.len() as u32).collect::<Vec<u32>>());
        for (list, counts) in split.clients.iter().zip(&split.histograms) {
            assert_eq!(*counts, histogram(list, labels, 3));
        }
    }

    #[test]
    fn clients_hold_everything_else() {
        let (labels, data) = (labels(), data(labels()));
        let held = validation(&labels, 3, 0.2, 7);
        for kind in ["dirichlet", "iid", "shards"] {
            let config = config(&["split.clients=4", &format!("split.kind={kind}")]);
            assert_whole(&Split::without(&held, &config, &data, 7).unwrap(), &held, &labels);
        }
        // With nothing held back it is the split as ever.
        let config = config(&["split.clients=4"]);
        let plain = Split::new(&config, &labels, 3, 7, None).unwrap();
        assert_eq!(Split::without(&[], &config, &data, 7).unwrap(), plain);
    }

    #[test]
    fn clients_of_a_file_lose_theirs() {
        let (labels, data) = (labels(), data(labels()));
        let dealt = Split::new(&config(&["split.clients=4", "split.kind=iid"]), &labels, 3, 7, None).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("split.json");
        std::fs::write(&path, dealt.to_json()).unwrap();
        let of_file = config(&["split.kind=file", &format!("split.file={}", path.display())]);
        let mut held = vec![dealt.clients[2][0], dealt.clients[0][1]];
        held.sort_unstable();
        let split = Split::without(&held, &of_file, &data, 7).unwrap();
        assert_whole(&split, &held, &labels);
        assert_eq!(split.clients[2].len(), dealt.clients[2].len() - 1);
        assert_eq!(Split::without(&[], &of_file, &data, 7).unwrap(), dealt);
    }
}
