//! Settings that are one of a few names.

/// An enum whose variants have names in configs: `NAMES`, `name`, `Display`, `FromStr` and `Serialize` from one list.
macro_rules! named {
    ($(#[$meta:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type { $($(#[$doc])* $variant),+ }

        impl $type {
            /// All names, in order of declaration.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The name in configs.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = ();
            fn from_str(name: &str) -> Result<Self, ()> {
                match name { $($name => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }
    };
}

named! {
    /// Which data set (`data.name`).
    DataName {
        /// 8x8 handwritten digits, embedded in the program.
        Digits = "digits",
        /// CIFAR-10, binary version.
        Cifar10 = "cifar10",
        /// CIFAR-100, binary version.
        Cifar100 = "cifar100",
        /// IDX files: MNIST, Fashion-MNIST, EMNIST and others.
        Idx = "idx",
        /// Downsampled ImageNet: 32x32, or 64x64.
        ImageNet32 = "imagenet32",
        /// A NumPy archive of arrays `x` and `y`.
        Npz = "npz",
        /// A safetensors file with tensors `x` and `y`.
        Safetensors = "safetensors",
        /// A folder of images by class.
        Images = "images",
        /// A CSV file of features with a label column.
        Csv = "csv",
        /// A Parquet file of features with a label column.
        Parquet = "parquet",
        /// A folder of LEAF's JSON files: samples by user.
        Leaf = "leaf",
    }
}

impl DataName {
    /// Whether it is a set of one's own, that a path alone tells.
    pub fn is_own(self) -> bool {
        matches!(self, Self::Npz | Self::Safetensors | Self::Images | Self::Csv | Self::Parquet | Self::Leaf)
    }

    /// Whether it is a table with named columns.
    pub fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Parquet)
    }

    /// Whether samples may name the client that they are of.
    pub fn names_clients(self) -> bool {
        self.is_own() && self != Self::Images
    }
}

named! {
    /// Mean and standard deviation that samples are normalised by (`data.normalisation`).
    NormalisationName {
        /// As usual for the set; for grey IDX files Fashion-MNIST's where one of the last two parts of the path contains `fashion`, else
        /// MNIST's; for colour ones none; of one's own data mean and deviation of the training samples.
        Auto = "auto",
        /// Mean 0, standard deviation 1: only scaled to 0..1.
        None = "none",
        /// MNIST's.
        Mnist = "mnist",
        /// Fashion-MNIST's.
        Fashion = "fashion",
        /// CIFAR-10's.
        Cifar10 = "cifar10",
        /// CIFAR-100's.
        Cifar100 = "cifar100",
    }
}

named! {
    /// Which of a set's labels (`data.labels`), where its samples have two.
    LabelChoice {
        /// CIFAR-100's 100 classes.
        Fine = "fine",
        /// CIFAR-100's 20 superclasses.
        Coarse = "coarse",
    }
}

named! {
    /// How samples are dealt to clients (`split.kind`).
    SplitKind {
        /// Each client has class proportions from a Dirichlet distribution.
        Dirichlet = "dirichlet",
        /// At random.
        Iid = "iid",
        /// Two shards of the samples sorted by label for each client.
        Shards = "shards",
        /// As a file says (`split.file`): the `split.json` of a run, or a client's name for each sample.
        File = "file",
        /// As the data say, whose samples name the clients that they are of.
        Natural = "natural",
    }
}

named! {
    /// Which model (`model.kind`).
    ModelKind {
        /// Linear layers with ReLU.
        Mlp = "mlp",
        /// 5x5 convolutions with pooling, two linear layers.
        Cnn = "cnn",
        /// Residual network.
        ResNet = "resnet",
        /// Vision transformer.
        Vit = "vit",
        /// Any chain of layers.
        Sequential = "sequential",
    }
}

/// The kind of a `[model]` that names none.
pub(super) const DEFAULT_MODEL: ModelKind = ModelKind::ResNet;

named! {
    /// What the warm-up's batches vary of their samples (`data.augment`).
    Augment {
        /// Nothing.
        None = "none",
        /// As usual for CIFAR: moved by up to 4 pixels each way, mirrored half of the time.
        Cifar = "cifar",
    }
}

named! {
    /// What the clients of a warm-up round train and how the server joins it (`warmup.algorithm`).
    WarmupAlgorithm {
        /// Mean weighted by data size (McMahan 2017).
        FedAvg = "fedavg",
        /// Momentum on the mean displacement (Hsu 2019).
        FedAvgM = "fedavgm",
        /// Adam on the mean displacement (Reddi 2021).
        FedAdam = "fedadam",
        /// As `fedavg`, clients drawn towards the server's weights (Li 2020).
        FedProx = "fedprox",
        /// Low-resource clients train a narrow part of the model (Diao 2020).
        HeteroFl = "heterofl",
    }
}

named! {
    /// Who takes part in the ZO rounds (`zo.participants`).
    ZoParticipants {
        /// Every client.
        All = "all",
        /// Low-resource clients only.
        Low = "low",
        /// High-resource clients only.
        High = "high",
        /// Low-resource clients probe, high-resource clients go on with backprop and send weights.
        HighFirstOrder = "high-first-order",
        /// Low-resource clients probe, high-resource clients send a gradient.
        HighGradient = "high-gradient",
    }
}

impl ZoParticipants {
    /// High-resource clients take part by backprop.
    pub fn is_mixed(self) -> bool {
        matches!(self, Self::HighFirstOrder | Self::HighGradient)
    }
}

named! {
    /// How the server applies the ZO estimate (`zo.optimizer`).
    ZoOptimizer {
        /// Plain steps.
        Sgd = "sgd",
        /// Heavy-ball momentum.
        Momentum = "momentum",
        /// Adam.
        Adam = "adam",
        /// Plain steps divided by the root of a diagonal built from the estimates (HiSo).
        Hessian = "hessian",
    }
}

named! {
    /// What a client sends of a probe (`zo.uplink`).
    Uplink {
        /// The loss difference.
        F32 = "f32",
        /// The slope along the perturbation, rounded to 16 bits.
        F16 = "f16",
        /// Its sign; the majority counts (FeedSign).
        Sign = "sign",
        /// The weights that its steps lead to, as FedZO's clients do: the same step, counted as 4 bytes a weight each way.
        Weights = "weights",
    }
}

named! {
    /// What the round's rate is divided by (`zo.normalise`).
    Normalise {
        /// Nothing.
        None = "none",
        /// The deviation of the perturbed losses, in units of epsilon (FZOO).
        Deviation = "deviation",
    }
}

named! {
    /// Statistics of batch norm during the ZO rounds (`zo.norm_statistics`).
    NormStatistics {
        /// The pivot's running statistics.
        Frozen = "frozen",
        /// Those of all clients, taken once at the pivot.
        Recomputed = "recomputed",
        /// Those of each client's batch, every round.
        Refreshed = "refreshed",
    }
}

/// `a, b or c`: names as an error message lists them.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    }
}
