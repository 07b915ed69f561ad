//! Classes and clients by their names, numbered.

use std::collections::HashMap;

/// Names as they appear.
#[derive(Debug, Default)]
pub(crate) struct Names {
    numbers: HashMap<String, u32>,
}

impl Names {
    /// The number of a name: how many others appeared before it did.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let next = self.numbers.len() as u32;
        self.numbers.insert(name.to_owned(), next);
        next
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The names in order, numbers by size where all of them are numbers, and of each number by appearance its place among them.
    pub fn sorted(self) -> (Vec<String>, Vec<u32>) {
        let mut sorted: Vec<(String, u32)> = self.numbers.into_iter().collect();
        let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite());
        if sorted.iter().all(|(text, _)| number(text).is_some()) {
            let key = |text: &str| number(text).unwrap_or(0.0);
            sorted.sort_by(|(a, _), (b, _)| key(a).total_cmp(&key(b)).then(a.cmp(b)));
        } else {
            sorted.sort();
        }
        let mut places = vec![0; sorted.len()];
        for ((_, appeared), place) in sorted.iter().zip(0..) {
            places[*appeared as usize] = place;
        }
        (sorted.into_iter().map(|(name, _)| name).collect(), places)
    }
}

/// Which client each training sample is of, where the data say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clients {
    /// Their names, in order: numbers by size where all are numbers. Each has a training sample.
    pub names: Vec<String>,
    /// Of each training sample its client's place among the names.
    pub of_train: Vec<u32>,
}

impl Clients {
    /// Those of names by appearance. Clients without a training sample are left out.
    pub(crate) fn of(names: Names, of_train: &[u32]) -> Self {
        let (sorted, places) = names.sorted();
        let mut held = vec![false; sorted.len()];
        of_train.iter().for_each(|&appeared| held[places[appeared as usize] as usize] = true);
        let mut next = 0;
        let numbers: Vec<u32> = held
            .iter()
            .map(|&held| {
                next += u32::from(held);
                next.saturating_sub(1)
            })
            .collect();
        let names = sorted.into_iter().zip(&held).filter_map(|(name, &held)| held.then_some(name)).collect();
        let of_train = of_train.iter().map(|&appeared| numbers[places[appeared as usize] as usize]).collect();
        Self { names, of_train }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_in_order_and_have_samples() {
        let of = |all: &[&str], train: &[&str]| {
            let mut names = Names::default();
            for name in all {
                names.number(name);
            }
            let of_train: Vec<u32> = train.iter().map(|name| names.number(name)).collect();
            let clients = Clients::of(names, &of_train);
            (clients.names, clients.of_train)
        };
        let text = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(of(&["z", "b", "a"], &["z", "a", "z"]), (text(&["a", "z"]), vec![1, 0, 1]));
        assert_eq!(of(&[], &["10", "9", "-1", "9"]), (text(&["-1", "9", "10"]), vec![2, 1, 0, 1]));
        assert_eq!(of(&["7", "x"], &["x"]), (text(&["x"]), vec![0]));
    }
}
