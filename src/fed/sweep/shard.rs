//! A part of a sweep, for one of several processes that share it out beforehand.

use std::str::FromStr;

/// Part `index` (from 1) of `of` about equal ones: every `of`-th cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    of: usize,
}

impl Shard {
    /// All cells.
    pub const ALL: Self = Self { index: 1, of: 1 };

    /// Whether the cell of this place (from 0) belongs to it.
    pub fn has(self, cell: usize) -> bool {
        cell % self.of == self.index - 1
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.trim().parse().ok()?, n.trim().parse().ok()?)));
        match numbers {
            Some((index, of)) if (1..=of).contains(&index) => Ok(Self { index, of }),
            _ => Err(format!("expected PART/PARTS with PART from 1 to PARTS, such as 3/16, found {text:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shard;

    #[test]
    fn shards_have_every_cell_once() {
        let shards: Vec<Shard> = (1..=3).map(|i| format!("{i}/3").parse().unwrap()).collect();
        for cell in 0..10 {
            assert_eq!(shards.iter().filter(|shard| shard.has(cell)).count(), 1);
            assert!(Shard::ALL.has(cell));
        }
        for wrong in ["", "3", "0/3", "4/3", "1/0", "a/b", "1/2/3"] {
            assert!(wrong.parse::<Shard>().unwrap_err().contains("such as 3/16"), "{wrong}");
        }
    }
}
