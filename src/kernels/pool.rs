//! Maximum and average pooling.

use super::fold_grid;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// Pooling.
pub static POOL: Kernel = Kernel::new::<Params>("pool", reference::pool::pool);

/// Its gradient.
pub static POOL_GRAD: Kernel = Kernel::new::<Params>("pool_grad", reference::pool::pool_grad);

/// What a window becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Its maximum; the gradient goes to the first one.
    Max,
    /// Its mean.
    Average,
}

params! {
    /// Uniform block of both kernels: the shape.
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
    }
}

impl Params {
    /// Of square windows over `planes` images of `h` x `w`, which are at least as large as a window.
    pub fn square(planes: u32, h: u32, w: u32, kernel: u32, stride: u32) -> Self {
        let out = |size: u32| (size - kernel) / stride + 1;
        Self { planes, h, w, out_h: out(h), out_w: out(w), kernel_h: kernel, kernel_w: kernel, stride }
    }

    /// Of one window that is the whole image.
    pub fn global(planes: u32, h: u32, w: u32) -> Self {
        Self { planes, h, w, out_h: 1, out_w: 1, kernel_h: h, kernel_w: w, stride: 1 }
    }

    fn cost(&self) -> u64 {
        let window = u64::from(self.kernel_h) * u64::from(self.kernel_w);
        u64::from(self.planes) * u64::from(self.out_h) * u64::from(self.out_w) * window
    }
}

fn variant(mode: Mode) -> Variant {
    Variant::plain().with("MODE", u32::from(mode == Mode::Average))
}

/// Records `y = pool(x)`.
pub fn record(rec: &mut Recording, mode: Mode, params: &Params, x: Span, y: Span) {
    let items = u64::from(params.planes) * u64::from(params.out_h) * u64::from(params.out_w);
    rec.dispatch(&POOL, variant(mode), params, &[x, y], fold_grid(items, 64), 2 * params.cost());
}

/// Records `dx` from the forward input `x` and `dy`.
pub fn record_grad(rec: &mut Recording, mode: Mode, params: &Params, x: Span, dy: Span, dx: Span) {
    let items = u64::from(params.planes) * u64::from(params.h) * u64::from(params.w);
    let window = u64::from(params.kernel_h) * u64::from(params.kernel_w);
    let cost = items + params.cost() * if mode == Mode::Max { window } else { 1 };
    rec.dispatch(&POOL_GRAD, variant(mode), params, &[x, dy, dx], fold_grid(items, 64), cost);
}
