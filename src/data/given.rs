//! Data sets that a program makes in memory.

use super::{DataError, Dataset, Normalisation, Part, Values};

impl Dataset {
    /// A set of values that a model gets as they are: samples of shape `[c, h, w]` one after another, and a label for each (training, then
    /// test). There are as many classes as the largest label of the training part says.
    ///
    /// ```
    /// use zowarmup::data::Dataset;
    ///
    /// // Points of a plane, by quadrant.
    /// let points = |n: usize| {
    ///     let value = |i: usize| (i as f32 * 0.7548).fract() - 0.5;
    ///     let values: Vec<f32> = (0..2 * n).map(value).collect();
    ///     let labels = values.chunks(2).map(|p| u32::from(p[0] > 0.0) + 2 * u32::from(p[1] > 0.0)).collect();
    ///     (values, labels)
    /// };
    /// let data = Dataset::of_floats("quadrants", [2, 1, 1], points(400), points(100))?;
    /// assert_eq!((data.classes, data.train.len()), (4, 400));
    /// # Ok::<(), zowarmup::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// Values that aren't as many samples as there are labels, or not finite; no training samples; a test label that the training part
    /// lacks.
    pub fn of_floats(
        name: &str,
        shape: [usize; 3],
        train: (Vec<f32>, Vec<u32>),
        test: (Vec<f32>, Vec<u32>),
    ) -> Result<Self, DataError> {
        let error = |message: String| Err(DataError::Given { name: name.to_owned(), message });
        let area = shape.iter().product::<usize>();
        for (part, (values, labels)) in [("training", &train), ("test", &test)] {
            if values.len() != area * labels.len() || area == 0 {
                let (found, rows) = (values.len(), labels.len());
                return error(format!("expected {rows} {part} samples of shape {shape:?}, found {found} values"));
            }
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                return error(format!("{part} sample {}: a value is not finite", at / area));
            }
        }
        let Some(most) = train.1.iter().copied().max().filter(|&most| most < u32::MAX) else {
            return error("expected training samples with labels from 0 on".to_owned());
        };
        if let Some((at, label)) = test.1.iter().enumerate().find(|(_, label)| **label > most) {
            return error(format!(
                "test sample {at}: expected a label from 0 to {most}, the training part's, found {label}"
            ));
        }
        let samples = |(values, labels)| Part::of(Values::Floats(values), labels, area);
        let normalisation = Normalisation { divisor: 1.0, mean: vec![0.0; shape[0]], std: vec![1.0; shape[0]] };
        let (train, test) = (samples(train), samples(test));
        let (name, classes) = (name.to_owned(), most + 1);
        Ok(Self { name, shape, classes, train, test, normalisation, test_indices: None, clients: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_go_together_is_refused() {
        let of = |shape, train: (Vec<f32>, Vec<u32>), test: (Vec<f32>, Vec<u32>)| {
            Dataset::of_floats("mine", shape, train, test).unwrap_err().to_string()
        };
        let one = || (vec![0.5; 2], vec![0]);
        for (message, part) in [
            (of([2, 1, 1], (vec![0.5; 3], vec![0]), one()), "1 training samples of shape [2, 1, 1], found 3 values"),
            (of([0, 1, 1], (vec![], vec![]), (vec![], vec![])), "0 training samples"),
            (of([2, 1, 1], (vec![], vec![]), one()), "expected training samples"),
            (of([2, 1, 1], one(), (vec![0.5, f32::NAN], vec![0])), "test sample 0: a value is not finite"),
            (of([2, 1, 1], one(), (vec![0.5; 2], vec![7])), "test sample 0: expected a label from 0 to 0"),
        ] {
            assert!(message.starts_with("mine: ") && message.contains(part), "{message}");
        }
    }
}
