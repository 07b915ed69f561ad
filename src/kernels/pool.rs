//! Maximum and average pooling.

use super::lib::{Case, Fixture, fold_grid, rounding};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("pool", twin);

/// What a window becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Its maximum; the gradient goes to the first one.
    Max,
    /// Its mean.
    Average,
}

params! {
    /// Uniform block of this kernel and its gradient: the shape.
    pub struct Params {
        /// Images x channels.
        pub planes: u32,
        /// Input rows.
        pub h: u32,
        /// Input columns.
        pub w: u32,
        /// Output rows.
        pub out_h: u32,
        /// Output columns.
        pub out_w: u32,
        /// Window rows.
        pub kernel_h: u32,
        /// Window columns.
        pub kernel_w: u32,
        /// Distance of windows, rows and columns.
        pub stride: u32,
        /// Planes that lie value by value, channels that lie last; 1: each plane lies by itself.
        pub channels: u32,
    }
}

impl Params {
    /// Of square windows over `planes` images of `h` x `w`, which are at least as large as a window.
    pub fn square(planes: u32, h: u32, w: u32, kernel: u32, stride: u32) -> Self {
        let out = |size: u32| (size - kernel) / stride + 1;
        Self { planes, h, w, out_h: out(h), out_w: out(w), kernel_h: kernel, kernel_w: kernel, stride, channels: 1 }
    }

    /// Of one window that is the whole image.
    pub fn global(planes: u32, h: u32, w: u32) -> Self {
        Self { planes, h, w, out_h: 1, out_w: 1, kernel_h: h, kernel_w: w, stride: 1, channels: 1 }
    }

    /// The same with `channels` planes an image that lie so.
    pub fn laid_out(self, layout: Layout, channels: u32) -> Self {
        Self { channels: if layout == Layout::ChannelsLast { channels } else { 1 }, ..self }
    }

    /// The constants of this kernel and its gradient.
    pub fn variant(&self, mode: Mode) -> Variant {
        Variant::plain()
            .with("MODE", u32::from(mode == Mode::Average))
            .with("CHANNELS_LAST", u32::from(self.channels > 1))
    }

    /// Where a pixel of a plane of so many lies.
    fn place(&self, plane: u32, pixel: u32, pixels: u32) -> usize {
        let (row, c) = (plane / self.channels, plane % self.channels);
        ((row * pixels + pixel) * self.channels + c) as usize
    }

    /// Where output `i` lies, counted plane by plane.
    pub fn output(&self, i: u32) -> usize {
        let pixels = self.out_h * self.out_w;
        self.place(i / pixels, i % pixels, pixels)
    }

    /// Values in all windows.
    pub fn cost(&self) -> u64 {
        let window = u64::from(self.kernel_h) * u64::from(self.kernel_w);
        u64::from(self.planes) * u64::from(self.out_h) * u64::from(self.out_w) * window
    }

    /// Index of the first input of the window of output `i`.
    pub fn window(&self, i: u32) -> usize {
        let (plane, at) = (i / (self.out_h * self.out_w), i % (self.out_h * self.out_w));
        let (oy, ox) = (at / self.out_w, at % self.out_w);
        self.place(plane, oy * self.stride * self.w + ox * self.stride, self.h * self.w)
    }

    /// Indices of a window's inputs, row by row.
    pub fn places(&self, first: usize) -> impl Iterator<Item = usize> + use<> {
        let (w, kernel_w, step) = (self.w as usize, self.kernel_w as usize, self.channels as usize);
        (0..self.kernel_h as usize).flat_map(move |ky| (0..kernel_w).map(move |kx| first + (ky * w + kx) * step))
    }
}

/// Records `y = pool(x)`.
pub fn record(rec: &mut Recording, mode: Mode, params: &Params, x: Span, y: Span) {
    let items = u64::from(params.planes) * u64::from(params.out_h) * u64::from(params.out_w);
    rec.dispatch(&KERNEL, params.variant(mode), params, &[x, y], fold_grid(items, 64), 2 * params.cost());
}

/// Maximum or mean over windows.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let average = call.variant.get("MODE", 0) == 1;
    let x = call.read::<f32>(1);
    let mut y = call.write::<f32>(2);
    for i in 0..p.planes * p.out_h * p.out_w {
        let first = p.window(i);
        let mut value = if average { 0.0 } else { x[first] };
        for at in p.places(first) {
            let v = x[at];
            if average {
                value += v;
            } else if v > value || v.is_nan() {
                value = v;
            }
        }
        y[p.output(i)] = if average { value / (p.kernel_h * p.kernel_w) as f32 } else { value };
    }
}

/// Shapes of cases, (planes, h, w, kernel, stride), of this kernel and its gradient.
pub const SHAPES: [(u32, u32, u32, u32, u32); 4] =
    [(1, 1, 1, 1, 1), (7, 9, 11, 2, 2), (3, 8, 7, 3, 2), (40_000, 13, 11, 1, 1)];

/// Those with channels last: planes are rows times channels.
pub const LAST_SHAPES: [(u32, u32, u32, u32, u32, u32); 2] = [(15, 9, 11, 2, 2, 5), (24, 8, 7, 3, 2, 8)];

/// Shapes of cases with the channels that lie last; 1: planes lie by themselves.
pub fn shapes() -> impl Iterator<Item = (u32, u32, u32, u32, u32, u32)> {
    SHAPES.into_iter().map(|(planes, h, w, kernel, stride)| (planes, h, w, kernel, stride, 1)).chain(LAST_SHAPES)
}

/// The parameters of a case.
pub fn params_of((planes, h, w, kernel, stride, channels): (u32, u32, u32, u32, u32, u32)) -> Params {
    Params { channels, ..Params::square(planes, h, w, kernel, stride) }
}

/// The shape in the name of a case.
pub fn shape_text((planes, h, w, kernel, stride, channels): (u32, u32, u32, u32, u32, u32)) -> String {
    let last = if channels > 1 { format!(" {channels} channels last") } else { String::new() };
    format!("{planes}x{h}x{w} kernel {kernel} stride {stride}{last}")
}

/// An input of whole numbers, so that there are ties.
pub fn input(f: &mut Fixture<'_>, params: &Params) -> Span {
    let values = f.values((params.planes * params.h * params.w) as usize);
    f.buffer("x", &values.iter().map(|v| (v * 4.0).floor()).collect::<Vec<f32>>())
}

/// The mode in the name of a case.
pub fn text(mode: Mode) -> &'static str {
    if mode == Mode::Max { "max" } else { "average" }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for mode in [Mode::Max, Mode::Average] {
        for shape in shapes() {
            let (planes, _, _, kernel, ..) = shape;
            if planes > 1000 && mode == Mode::Average {
                continue;
            }
            // Average: a sum of kernel^2 values and a division of 2.5 units.
            let tolerance = if mode == Mode::Max { 0.0 } else { rounding(kernel * kernel + 5) };
            let name = format!("pool {} {}", text(mode), shape_text(shape));
            cases.push(Case::new(name, tolerance, move |f| {
                let params = params_of(shape);
                let x = input(f, &params);
                let y = f.blank("y", (planes * params.out_h * params.out_w) as usize);
                let mut rec = Recording::new();
                record(&mut rec, mode, &params, x, y);
                rec.read_back(y);
                rec
            }));
        }
    }
    cases
}
