//! Which values share memory: a slot is reused once nothing will read its value any more.

/// A value of a plan: written by step `born`, last read by step `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Elements a row.
    pub elements: usize,
    /// The step that writes it.
    pub born: usize,
    /// The last step that reads it.
    pub last: usize,
}

/// Slots for the values, which come in order of `born`: the slot of each value, and the elements of each slot.
///
/// A step reads and writes different slots: a slot is free for a value born after the slot's value was last read.
/// Among free slots the largest that is not too large is taken, else the largest one grows.
pub fn assign(values: &[Value]) -> (Vec<usize>, Vec<usize>) {
    let (mut of_value, mut elements, mut busy_until) = (Vec::new(), Vec::<usize>::new(), Vec::<usize>::new());
    for value in values {
        let free = || (0..elements.len()).filter(|&s| busy_until[s] < value.born);
        let roomy = free().filter(|&s| elements[s] >= value.elements).min_by_key(|&s| elements[s]);
        let slot = roomy.or_else(|| free().max_by_key(|&s| elements[s])).unwrap_or(elements.len());
        if slot == elements.len() {
            elements.push(0);
            busy_until.push(0);
        }
        elements[slot] = elements[slot].max(value.elements);
        busy_until[slot] = value.last;
        of_value.push(slot);
    }
    (of_value, elements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chain_alternates_between_two_slots() {
        let sizes = [100, 400, 100, 200, 10];
        let values: Vec<Value> =
            sizes.iter().enumerate().map(|(i, &elements)| Value { elements, born: i, last: i + 1 }).collect();
        let (slots, elements) = assign(&values);
        assert_eq!(slots, [0, 1, 0, 1, 0]);
        assert_eq!(elements, [100, 400]);
    }

    #[test]
    fn a_skip_connection_needs_a_third_slot() {
        let value = |elements, born, last| Value { elements, born, last };
        let (slots, elements) = assign(&[value(8, 0, 3), value(8, 1, 2), value(8, 2, 3), value(8, 3, 4)]);
        assert_eq!(elements.len(), 3);
        assert_ne!(slots[0], slots[2]);
    }

    proptest! {
        #[test]
        fn live_values_never_share(raw in prop::collection::vec((1usize..100, 0usize..5, 1usize..6), 1..40)) {
            let mut born = 0;
            let values: Vec<Value> = raw.into_iter().map(|(elements, gap, life)| {
                born += gap;
                Value { elements, born, last: born + life }
            }).collect();
            let (slots, elements) = assign(&values);
            for (i, a) in values.iter().enumerate() {
                prop_assert!(elements[slots[i]] >= a.elements);
                for (j, b) in values.iter().enumerate().skip(i + 1) {
                    prop_assert!(slots[i] != slots[j] || b.born > a.last);
                }
            }
        }
    }
}
