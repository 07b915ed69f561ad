//! What an adapter is and can: name, kind, tier, limits. A leaf that every module may name.

/// What an adapter offers a kernel beyond WebGPU's default limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// f32 and u32 within WebGPU's defaults.
    Core,
    /// Subgroup operations and native 64-bit integers.
    Subgroup,
}

impl Tier {
    /// All of them, the least demanding first.
    pub const ALL: [Tier; 2] = [Tier::Core, Tier::Subgroup];

    /// `core` or `subgroup`.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Core => "core",
            Tier::Subgroup => "subgroup",
        }
    }
}

/// Where kernels read the operands of matrix products from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OperandSource {
    /// Storage buffers.
    Buffer,
    /// Storage textures that shadow the buffers.
    Texel,
}

impl OperandSource {
    /// Both.
    pub const ALL: [OperandSource; 2] = [OperandSource::Buffer, OperandSource::Texel];

    /// `buffer` or `texel`.
    pub fn name(self) -> &'static str {
        match self {
            OperandSource::Buffer => "buffer",
            OperandSource::Texel => "texel",
        }
    }
}

/// How exact products of weights and activations are, and so which ways of computing them a run may use. Norms, losses, sums, weights and
/// their update are f32 in each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Precision {
    /// Operands are f32.
    #[default]
    F32,
    /// Operands may be sums of two f16, which is nearly f32.
    F16x3,
    /// Operands may be f16.
    F16,
}

/// Whether a run measures with which way each product is the fastest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tune {
    /// On adapters that are not software: those compute by shuffles.
    #[default]
    Auto,
    /// No: what is likely to be fast is taken.
    Off,
    /// On every adapter, all ways that there are.
    Full,
}

impl Tune {
    /// The names in configs.
    pub const NAMES: [&'static str; 3] = ["auto", "off", "full"];

    /// `auto`, `off` or `full`.
    pub fn name(self) -> &'static str {
        match self {
            Tune::Auto => "auto",
            Tune::Off => "off",
            Tune::Full => "full",
        }
    }
}

impl std::str::FromStr for Tune {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Auto, Self::Off, Self::Full].into_iter().find(|tune| tune.name() == name).ok_or(())
    }
}

impl serde::Serialize for Tune {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Precision {
    /// All of them, the most exact first.
    pub const ALL: [Precision; 3] = [Precision::F32, Precision::F16x3, Precision::F16];

    /// The names in configs, in the same order.
    pub const NAMES: [&'static str; 3] = ["f32", "f16x3", "f16"];

    /// `f32`, `f16x3` or `f16`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F16x3 => "f16x3",
            Precision::F16 => "f16",
        }
    }
}

impl std::str::FromStr for Precision {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|precision| precision.name() == name).ok_or(())
    }
}

impl serde::Serialize for Precision {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How the values of a sample that has pixels lie in activations. Weights, files and results know nothing of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `[row][channel][y][x]`.
    #[default]
    ChannelsFirst,
    /// `[row][y][x][channel]`.
    ChannelsLast,
}

impl Layout {
    /// Both.
    pub const ALL: [Layout; 2] = [Layout::ChannelsFirst, Layout::ChannelsLast];

    /// `first` or `last`.
    pub fn name(self) -> &'static str {
        match self {
            Layout::ChannelsFirst => "first",
            Layout::ChannelsLast => "last",
        }
    }

    /// The constant `CHANNELS_LAST` of shaders.
    pub fn last(self) -> u32 {
        u32::from(self == Layout::ChannelsLast)
    }

    /// Where the value of a channel at a pixel lies in a sample of so many channels and pixels.
    pub fn place(self, channel: usize, pixel: usize, channels: usize, pixels: usize) -> usize {
        match self {
            Layout::ChannelsFirst => channel * pixels + pixel,
            Layout::ChannelsLast => pixel * channels + channel,
        }
    }
}

/// What kind of thing an adapter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdapterKind {
    /// A card of its own.
    Discrete,
    /// Part of a processor.
    Integrated,
    /// A virtual GPU.
    Virtual,
    /// A software rasterizer.
    Software,
    /// The CPU twins.
    Reference,
    /// Not told by the driver.
    Other,
}

impl AdapterKind {
    /// Whether a processor computes in its place: a software rasterizer or the CPU twins.
    pub fn is_software(self) -> bool {
        matches!(self, AdapterKind::Software | AdapterKind::Reference)
    }

    /// The word used in listings.
    pub fn name(self) -> &'static str {
        match self {
            AdapterKind::Discrete => "discrete",
            AdapterKind::Integrated => "integrated",
            AdapterKind::Virtual => "virtual",
            AdapterKind::Software => "software",
            AdapterKind::Reference => "reference",
            AdapterKind::Other => "other",
        }
    }
}

/// An adapter's name and kind.
#[derive(Clone, Debug)]
pub struct AdapterInfo {
    /// The driver's name for it.
    pub name: String,
    /// `vulkan`, `metal`, `dx12`, `gl` or `reference`.
    pub backend: String,
    /// Driver and its version.
    pub driver: String,
    /// Kind.
    pub kind: AdapterKind,
    /// The capability tier it is used at.
    pub tier: Tier,
    /// Invocations of a subgroup, where the tier uses subgroups; else 0.
    pub subgroup_size: u32,
    /// Where operands of matrix products are read from.
    pub operands: OperandSource,
    /// How pixels lie in activations where nobody says otherwise.
    pub layout: Layout,
    /// Features found that the engine knows how to use.
    pub features: Vec<String>,
    /// How exact products are to be.
    pub precision: Precision,
    /// Its cooperative matrices, where that admits them.
    pub matrices: Matrices,
}

/// Cooperative matrices of f16 whose sums are f32, and which ways of computing products with them can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matrices {
    /// What a subgroup multiplies at a time; none: there are no such matrices.
    pub size: Option<MatrixSize>,
    /// Products whose operands are one f16 each are right on this device.
    pub single: bool,
    /// Those whose operands are the sum of two f16.
    pub split: bool,
    /// Products of operands that are one f16 each in memory.
    pub halves: bool,
}

impl Matrices {
    /// Whether the device itself multiplies them.
    pub fn of_device(&self) -> bool {
        self.size.is_some_and(|size| size != MatrixSize::Emulated)
    }

    /// The same, relied on as far as a precision admits.
    pub fn trusted(self, precision: Precision) -> Self {
        let has = self.size.is_some();
        let single = has && precision == Precision::F16;
        let halves = single && self.size != Some(MatrixSize::Eights);
        Self { single, split: has && precision != Precision::F32, halves, ..self }
    }

    /// How listings say it: nothing, or what a subgroup multiplies at a time.
    pub fn name(&self) -> Option<&'static str> {
        self.size.map(|size| match size {
            MatrixSize::Eights => "cooperative-matrix-8x8x8",
            MatrixSize::Sixteens => "cooperative-matrix-16x16x16",
            MatrixSize::Emulated => "cooperative-matrix-emulated",
        })
    }
}

/// Rows, columns and depth of cooperative matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatrixSize {
    /// 8 x 8 x 8.
    Eights,
    /// 16 x 16 x 16.
    Sixteens,
    /// None of the device's: plain code multiplies, slowly, on any device. For tests of what is around it.
    Emulated,
}

/// What a device can hold and bind, in bytes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest storage binding.
    pub binding: u64,
    /// Largest buffer.
    pub buffer: u64,
    /// What all buffers together may take: the config's budget, or what the adapter allows.
    pub memory: u64,
    /// Alignment of a binding's offset.
    pub alignment: u64,
    /// Storage buffers a kernel may bind.
    pub storage_buffers: u32,
    /// Workgroup memory.
    pub workgroup_memory: u32,
    /// Invocations in a workgroup.
    pub invocations: u32,
    /// Operations in one submission: about 100 ms of the device's time, for the watchdogs of desktop systems.
    pub submission_cost: u64,
}

impl Limits {
    /// WebGPU's guaranteed limits.
    pub fn webgpu_default() -> Self {
        Self {
            binding: 128 << 20,
            buffer: 256 << 20,
            memory: 2 << 30,
            alignment: 256,
            storage_buffers: 8,
            workgroup_memory: 16 << 10,
            invocations: 256,
            submission_cost: 1_000_000_000,
        }
    }
}
