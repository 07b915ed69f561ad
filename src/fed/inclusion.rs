//! How well a model serves the clients themselves: its accuracy on the mix of labels that each of them holds.
//!
//! With `p_k(c)` the share of label c among client k's samples and `acc_c` the test accuracy of class c, client k's accuracy is
//! `sum_c p_k(c) acc_c`. A class without test samples has no `acc_c`: a client's accuracy is over the other classes that it holds, with
//! shares that add up to 1 again. A client that holds no sample, or none of a class that is tested, has no accuracy and counts nowhere.

use serde::{Deserialize, Serialize};

use crate::engine::Evaluation;
use crate::split::Split;

/// What an evaluation means to groups of clients, 0..1; null where a group has no client with an accuracy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Mean over the low-resource clients, weighted by their samples.
    pub low: Option<f64>,
    /// Mean over the high-resource clients, weighted by their samples.
    pub high: Option<f64>,
    /// Plain mean over the tenth of all clients (rounded up) with the lowest accuracies.
    pub worst_tenth: Option<f64>,
}

/// The accuracy of each class, 0..1: null for a class without test samples. None where the loss is not finite: such outputs have no
/// largest one.
pub fn class_accuracies(evaluation: &Evaluation) -> Option<Vec<Option<f64>>> {
    let accuracy = |correct: u32, samples: u32| (samples > 0).then(|| f64::from(correct) / f64::from(samples));
    evaluation.is_finite().then(|| evaluation.classes.iter().map(|c| accuracy(c.correct, c.samples)).collect())
}

/// The accuracy of each client, from the accuracies of the classes.
pub fn client_accuracies(split: &Split, classes: &[Option<f64>]) -> Vec<Option<f64>> {
    split.histograms.iter().map(|histogram| client_accuracy(histogram, classes)).collect()
}

fn client_accuracy(histogram: &[u32], classes: &[Option<f64>]) -> Option<f64> {
    let tested = || histogram.iter().zip(classes).filter_map(|(&n, accuracy)| accuracy.map(|a| (f64::from(n), a)));
    let samples: f64 = tested().map(|(n, _)| n).sum();
    (samples > 0.0).then(|| tested().map(|(n, accuracy)| n * accuracy).sum::<f64>() / samples)
}

/// The means over groups of clients, from each client's accuracy.
pub fn groups(split: &Split, clients: &[Option<f64>]) -> Groups {
    let mean_of = |high: bool| {
        let members = split.clients.iter().zip(&split.high).zip(clients);
        let counted =
            members.filter(|((_, of), _)| **of == high).filter_map(|((indices, _), a)| Some((indices, (*a)?)));
        let (mut sum, mut weight) = (0.0, 0.0);
        for (indices, accuracy) in counted {
            let samples = indices.len() as f64;
            sum += samples * accuracy;
            weight += samples;
        }
        (weight > 0.0).then(|| sum / weight)
    };
    Groups { low: mean_of(false), high: mean_of(true), worst_tenth: worst_tenth(clients) }
}

fn worst_tenth(clients: &[Option<f64>]) -> Option<f64> {
    let mut list: Vec<f64> = clients.iter().flatten().copied().collect();
    list.sort_by(f64::total_cmp);
    list.truncate(list.len().div_ceil(10));
    (!list.is_empty()).then(|| list.iter().sum::<f64>() / list.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ClassResult;

    /// Clients with these histograms.
    fn split(clients: &[(&[u32], bool)]) -> Split {
        let sizes = clients.iter().map(|(histogram, _)| histogram.iter().sum::<u32>());
        Split {
            classes: clients[0].0.len() as u32,
            clients: sizes.map(|n| (0..n).collect()).collect(),
            high: clients.iter().map(|(_, high)| *high).collect(),
            histograms: clients.iter().map(|(histogram, _)| histogram.to_vec()).collect(),
            leftover: Vec::new(),
            test: None,
        }
    }

    fn evaluation(loss: f64, classes: &[(u32, u32)]) -> Evaluation {
        let classes = classes.iter().map(|&(samples, correct)| ClassResult { samples, correct }).collect();
        Evaluation { loss, classes }
    }

    #[test]
    fn clients_are_weighed_by_their_labels_and_groups_by_their_samples() {
        // Class accuracies 0.5, 0.75, 1.
        let classes = class_accuracies(&evaluation(1.0, &[(4, 2), (8, 6), (2, 2)])).unwrap();
        assert_eq!(classes, [Some(0.5), Some(0.75), Some(1.0)]);
        let split = split(&[(&[2, 0, 2], true), (&[4, 4, 0], false), (&[0, 0, 24], false)]);
        let clients = client_accuracies(&split, &classes);
        assert_eq!(clients, [Some(0.75), Some(0.625), Some(1.0)]);
        let found = groups(&split, &clients);
        // (8 * 0.625 + 24 * 1) / 32.
        assert_eq!(found, Groups { low: Some(0.90625), high: Some(0.75), worst_tenth: Some(0.625) });
    }

    #[test]
    fn a_class_without_test_samples_has_no_part() {
        let classes = class_accuracies(&evaluation(1.0, &[(4, 1), (0, 0), (4, 3)])).unwrap();
        assert_eq!(classes, [Some(0.25), None, Some(0.75)]);
        let split = split(&[(&[1, 6, 1], true), (&[0, 5, 0], true), (&[0, 0, 0], false), (&[3, 0, 0], false)]);
        let clients = client_accuracies(&split, &classes);
        // The first is half and half of what is tested; the second holds nothing that is, the third nothing at all.
        assert_eq!(clients, [Some(0.5), None, None, Some(0.25)]);
        assert_eq!(groups(&split, &clients), Groups { low: Some(0.25), high: Some(0.5), worst_tenth: Some(0.25) });
        assert_eq!(groups(&split, &[None; 4]), Groups::default());
    }

    #[test]
    fn the_worst_tenth_is_rounded_up() {
        let of = |n: u32| worst_tenth(&(0..n).rev().map(|i| Some(f64::from(i))).collect::<Vec<_>>());
        // 0; 0; mean of 0 and 1; mean of 0, 1, 2.
        assert_eq!((of(1), of(10), of(11), of(21)), (Some(0.0), Some(0.0), Some(0.5), Some(1.0)));
        assert_eq!(of(0), None);
    }

    #[test]
    fn outputs_that_are_no_numbers_have_no_accuracies() {
        assert_eq!(class_accuracies(&evaluation(f64::NAN, &[(4, 1)])), None);
    }
}
