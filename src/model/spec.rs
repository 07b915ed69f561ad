//! The model table as types, and how it is completed from the data.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use super::link::Link;
use crate::layers::ModelError;

/// The shape of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A vector.
    Features(usize),
    /// `[c, h, w]`.
    Image([usize; 3]),
}

impl Input {
    /// Number of values. Saturates.
    pub fn len(self) -> usize {
        match self {
            Self::Features(n) => n,
            Self::Image(chw) => chw.into_iter().fold(1, usize::saturating_mul),
        }
    }

    /// Whether a sample holds nothing.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Features(n) => write!(f, "{n} features"),
            Self::Image([c, h, w]) => write!(f, "[{c}, {h}, {w}]"),
        }
    }
}

/// A model table. `input` and `classes` may be left to the data ([`ModelSpec::with_data`]).
#[derive(Clone, Debug, PartialEq)]
pub enum ModelSpec {
    /// Linear layers with ReLU between them.
    Mlp {
        /// Sample shape; an image is flattened.
        input: Option<Input>,
        /// Widths of the hidden layers.
        hidden: Vec<usize>,
        /// Outputs.
        classes: Option<usize>,
    },
    /// Blocks of convolution 5x5, ReLU and max-pool 2x2, then two linear layers.
    Cnn {
        /// Sample shape.
        input: Option<[usize; 3]>,
        /// Output channels of each block.
        channels: Vec<usize>,
        /// Width of `fc1`.
        hidden: usize,
        /// Outputs.
        classes: Option<usize>,
    },
    /// Any chain of the layers below.
    Sequential {
        /// Sample shape.
        input: Option<Input>,
        /// The layers, in order.
        layers: Vec<Link>,
        /// Outputs.
        classes: Option<usize>,
    },
    /// A residual network.
    ResNet(ResNetSpec),
    /// A vision transformer.
    Vit(VitSpec),
}

/// A residual network of basic blocks, in its CIFAR form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResNetSpec {
    /// Sample shape.
    pub input: Option<[usize; 3]>,
    /// 10, 18 or 34: 1, 2 or 3 to 6 blocks a stage.
    pub depth: usize,
    /// Channels of the first stage; doubled in each further one.
    pub width: usize,
    /// The norm behind each convolution.
    pub norm: NormChoice,
    /// Outputs.
    pub classes: Option<usize>,
}

/// A residual network's norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormChoice {
    /// Of a sample's groups of channels.
    Group {
        /// Groups.
        groups: usize,
    },
    /// Of a channel over a batch.
    Batch,
}

/// A vision transformer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VitSpec {
    /// Sample shape.
    pub input: Option<[usize; 3]>,
    /// Side of a patch; it divides the input's sides.
    pub patch: usize,
    /// Values of a token.
    pub dim: usize,
    /// Blocks.
    pub depth: usize,
    /// Heads; they divide `dim`.
    pub heads: usize,
    /// Width of the perceptrons' hidden layer.
    pub mlp: usize,
    /// Outputs.
    pub classes: Option<usize>,
}

impl ModelSpec {
    /// The kind's name in the table.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mlp { .. } => "mlp",
            Self::Cnn { .. } => "cnn",
            Self::Sequential { .. } => "sequential",
            Self::ResNet(_) => "resnet",
            Self::Vit(_) => "vit",
        }
    }

    /// The sample shape, where given.
    pub fn input(&self) -> Option<Input> {
        match self {
            Self::Mlp { input, .. } | Self::Sequential { input, .. } => *input,
            Self::Cnn { input, .. } | Self::ResNet(ResNetSpec { input, .. }) | Self::Vit(VitSpec { input, .. }) => {
                input.map(Input::Image)
            }
        }
    }

    /// The number of outputs, where given.
    pub fn classes(&self) -> Option<usize> {
        match self {
            Self::Mlp { classes, .. }
            | Self::Cnn { classes, .. }
            | Self::Sequential { classes, .. }
            | Self::ResNet(ResNetSpec { classes, .. })
            | Self::Vit(VitSpec { classes, .. }) => *classes,
        }
    }

    /// Fills in `input` and `classes` from data of samples `[c, h, w]`, where they are not given.
    ///
    /// # Errors
    /// A given `input` that is not the data's shape (for a feature vector: number of values), or too few `classes`.
    pub fn with_data(mut self, shape: [usize; 3], data_classes: usize) -> Result<Self, ModelError> {
        let data = Input::Image(shape);
        let mismatch = |found: &dyn fmt::Display, expected: String| ModelError::Data {
            key: "input",
            found: found.to_string(),
            expected,
        };
        let fits = |given: Input, flattened: bool| match given {
            Input::Features(n) => n == data.len(),
            Input::Image(chw) => chw == shape || flattened && given.len() == data.len(),
        };
        match &mut self {
            Self::Mlp { input, .. } => match *input {
                None => *input = Some(Input::Features(data.len())),
                Some(given) if !fits(given, true) => {
                    return Err(mismatch(&given, format!("{} values ({data})", data.len())));
                }
                Some(_) => {}
            },
            Self::Cnn { input, .. } | Self::ResNet(ResNetSpec { input, .. }) | Self::Vit(VitSpec { input, .. }) => {
                match *input {
                    None => *input = Some(shape),
                    Some(given) if given != shape => {
                        return Err(mismatch(&Input::Image(given), data.to_string()));
                    }
                    Some(_) => {}
                }
            }
            Self::Sequential { input, .. } => match *input {
                None => *input = Some(data),
                Some(given) if !fits(given, false) => {
                    return Err(mismatch(&given, format!("{} values ({data})", data.len())));
                }
                Some(_) => {}
            },
        }
        let (Self::Mlp { classes, .. }
        | Self::Cnn { classes, .. }
        | Self::Sequential { classes, .. }
        | Self::ResNet(ResNetSpec { classes, .. })
        | Self::Vit(VitSpec { classes, .. })) = &mut self;
        match *classes {
            None => *classes = Some(data_classes),
            Some(given) if given < data_classes => {
                return Err(ModelError::Data {
                    key: "classes",
                    found: given.to_string(),
                    expected: data_classes.to_string(),
                });
            }
            Some(_) => {}
        }
        Ok(self)
    }
}

impl Serialize for ModelSpec {
    fn serialize<S: Serializer>(&self, ser: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(ser)
    }
}

impl<'de> Deserialize<'de> for ModelSpec {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        Self::from_json(&Value::deserialize(de)?).map_err(D::Error::custom)
    }
}
