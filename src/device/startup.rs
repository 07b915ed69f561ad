//! Checks that an adapter passes before it is used: a tier above `core` must give the core tier's products, cooperative matrices the CPU twins'.

use super::{Device, DeviceError, as_f32};
use crate::caps::{Layout, Matrices, Precision};
use crate::device::ReferenceDevice;
use crate::kernels::conv::Geometry;
use crate::kernels::lib::case::product_tolerance;
use crate::kernels::lib::halves::Halves;
use crate::kernels::lib::matrix::{Matrix, Multiply, SMALL, matrix_tolerance};
use crate::kernels::lib::way::Way;
use crate::kernels::params::{ABSENT, Lane, Lanes};
use crate::kernels::parts::Target;
use crate::kernels::tile_order::{Order, TileRoom};
use crate::kernels::tiling::{Gradient, Operands, Product, Tiling};
use crate::kernels::{conv, convert, linear, linear_grad_input, linear_grad_weight};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// Sizes of a layer that is tried.
#[derive(Clone, Copy)]
struct Sizes {
    inputs: u32,
    outputs: u32,
    rows: u32,
}

/// Those that the tier's product is tried with.
const FEW: Sizes = Sizes { inputs: 36, outputs: 9, rows: 11 };

/// Those that matrices are tried with: more than a workgroup's tile each way, and nothing that divides it.
const MORE: Sizes = Sizes { inputs: 52, outputs: 75, rows: 43 };

/// Whether a small perturbed linear layer, which goes through the tier's shuffles and its 64-bit products, agrees with the CPU twin.
pub(super) fn products_agree(device: &mut dyn Device) -> Result<bool, DeviceError> {
    let how = Product::by_shuffles(Tiling::of(device.info()), Some(Distribution::Rademacher));
    let ours = layer(device, &how, FEW)?;
    let twin = layer(&mut ReferenceDevice::new(None), &how, FEW)?;
    Ok(ours.len() == twin.len() && ours.iter().zip(&twin).all(|(a, b)| (a - b).abs() <= tolerance(FEW)))
}

/// Values below 1 in magnitude: the sum of the products and a bias rounds once each, each time by at most 2^-24 of their number.
fn tolerance(sizes: Sizes) -> f32 {
    (sizes.inputs + 1) as f32 * sizes.inputs as f32 * f32::EPSILON
}

/// The device's matrices, and for which of the operands that a precision admits they give the CPU twin's products: f16, and sums of two f16. What
/// fails is said in a warning.
///
/// # Errors
/// A driver that can't run them.
pub(super) fn matrices(device: &mut dyn Device, precision: Precision) -> Result<Matrices, DeviceError> {
    let mut found = Matrices { single: false, split: false, halves: false, ..device.info().matrices };
    let Some(multiply) = Multiply::of(device.info()) else { return Ok(found) };
    for matrix in [SMALL.by(multiply), SMALL.split().by(multiply)] {
        let way = Way::Matrix(matrix);
        if !precision.admits(way) {
            continue;
        }
        let mut error = product_error(device, way)?;
        let mut right = error <= matrix_tolerance(&matrix, HOW, product_tolerance(HOW, MORE.inputs));
        if right {
            error = gradient_error(device, way)?;
            right = error <= matrix_tolerance(&matrix, None, product_tolerance(None, MORE.outputs));
        }
        if !right {
            tracing::warn!(
                "{}: products by way of {way} are wrong on this driver (relative error {error:.1e}); going on without that way",
                device.info().name
            );
        } else if !shows_overflow(device, way)? {
            right = false;
            tracing::warn!(
                "{}: products by way of {way} hide on this driver what is too large for an f16; going on without that way",
                device.info().name
            );
        }
        *(if matrix.split { &mut found.split } else { &mut found.single }) = right;
    }
    if device.info().matrices.halves && found.single {
        let matrix = SMALL.by(multiply);
        let ours = halves(device, matrix)?;
        let twin = halves(&mut ReferenceDevice::new(None), matrix)?;
        let error = relative(&ours, &twin);
        found.halves = error <= half_tolerance(&matrix);
        if !found.halves {
            tracing::warn!(
                "{}: products of activations in f16 are wrong on this driver (relative error {error:.1e}); activations stay in f32",
                device.info().name
            );
        }
    }
    Ok(found)
}

/// What perturbs the weights of a product that is tried.
const HOW: Option<Distribution> = Some(Distribution::Rademacher);

/// The relative error of a perturbed product.
fn product_error(device: &mut dyn Device, way: Way) -> Result<f64, DeviceError> {
    let product = Product { way, ..Product::by_shuffles(Tiling::of(device.info()), HOW) };
    let ours = layer(device, &product, MORE)?;
    Ok(relative(&ours, &layer(&mut ReferenceDevice::new(None), &product, MORE)?))
}

/// That of a layer's gradients, the larger one.
fn gradient_error(device: &mut dyn Device, way: Way) -> Result<f64, DeviceError> {
    let how = Gradient { way, tiling: Tiling::of(device.info()) };
    let ours = gradients(device, how, MORE, 1.0)?;
    let twin = gradients(&mut ReferenceDevice::new(None), how, MORE, 1.0)?;
    let [weight, input] = [0, 1].map(|i| relative(&ours[i], &twin[i]));
    // What is no number is the larger one.
    Ok(if weight <= input { input } else { weight })
}

/// Whether slopes that are too large for an f16 make gradients that are no finite numbers, in each of them: what a loss's scale goes by.
fn shows_overflow(device: &mut dyn Device, way: Way) -> Result<bool, DeviceError> {
    let how = Gradient { way, tiling: Tiling::of(device.info()) };
    let large = gradients(device, how, MORE, 1e6)?;
    Ok(large.iter().all(|values| values.iter().any(|value| !value.is_finite())))
}

/// A convolution that is tried with activations in f16.
const HALVES: Geometry =
    Geometry { input: [32, 6, 6], output: [40, 6, 6], kernel: 3, stride: 1, padding: 1, layout: Layout::ChannelsLast };

/// The error of one as [`halves`] computes it, whose result is f16 too.
fn half_tolerance(matrix: &Matrix) -> f64 {
    matrix_tolerance(matrix, HOW, product_tolerance(HOW, HALVES.depth())) + 2f64.powi(-10)
}

/// A perturbed convolution from f16 to f16 in memory.
fn halves(device: &mut dyn Device, matrix: Matrix) -> Result<Vec<f32>, DeviceError> {
    let (rows, weights) = (3, HALVES.output[0] * HALVES.depth());
    let values = |shape: [u32; 3]| rows * shape.iter().product::<u32>();
    let (inputs, outputs) = (values(HALVES.input), values(HALVES.output));
    let mut made = Vec::new();
    let mut make = |values: u32| {
        let bytes = 4 * u64::from(values);
        let span = Span::of(device.create_buffer("start-up check", bytes)?, bytes);
        made.push(span.buffer);
        Ok::<_, DeviceError>(span)
    };
    let (table, from, x) = (make(8)?, make(inputs)?, make(inputs / 2)?);
    let (y, to, all) = (make(outputs / 2)?, make(outputs)?, make(weights)?);
    let room = make((TileRoom::half_bytes(&Order::of_conv(&HALVES, matrix.depth)) / 4) as u32)?;
    let lane = [Lane { seed_lo: 0x9abc_def0, seed_hi: 0x1234_5678, coef: 0.25, rows, ..Lane::default() }];
    let mut recording = Recording::new();
    recording.upload(table.buffer, 0, &lane);
    recording.upload(all.buffer, 0, &made_up(weights, 1));
    recording.upload(from.buffer, 0, &made_up(inputs, 7_919));
    convert::to_halves(&mut recording, inputs, from, x);
    let how = Product {
        way: Way::Matrix(matrix),
        halves: Halves { x: true, residual: false, y: true },
        ..Product::by_shuffles(Tiling::of(device.info()), HOW)
    };
    let params = conv::Params { weight_offset: 0, bias_offset: ABSENT, from_batch: 1, relu: 0 };
    let io = Operands { weights: all, x, y, room };
    conv::record(&mut recording, &Lanes::new(table, &lane), &how, &HALVES, &params, &io, None);
    convert::from_halves(&mut recording, outputs, y, to);
    recording.read_back(to);
    let result = device.run(&recording)?;
    for buffer in made {
        device.destroy_buffer(buffer);
    }
    Ok(as_f32(&result.concat()))
}

/// Values below a half in magnitude.
fn made_up(count: u32, from: u32) -> Vec<f32> {
    let value = |i: u32| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0 - 0.5;
    (from..from + count).map(value).collect()
}

/// The relative L2 error; NaN where a value is none.
fn relative(ours: &[f32], twin: &[f32]) -> f64 {
    let square = |x: f64| x * x;
    let off: f64 = ours.iter().zip(twin).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let all: f64 = twin.iter().map(|b| square(f64::from(*b))).sum();
    if ours.len() == twin.len() { (off / all).sqrt() } else { f64::INFINITY }
}

fn layer(device: &mut dyn Device, how: &Product, sizes: Sizes) -> Result<Vec<f32>, DeviceError> {
    let Sizes { inputs, outputs, rows } = sizes;
    let count = inputs * outputs + outputs;
    let mut make =
        |n: u32| device.create_buffer("start-up check", u64::from(n) * 4).map(|b| Span::of(b, u64::from(n) * 4));
    let (weights, x, y, table) = (make(count)?, make(rows * inputs)?, make(rows * outputs)?, make(8)?);
    let room = make(2 * inputs * outputs.next_multiple_of(32) + 64)?;
    let lane = [Lane { seed_lo: 0x9abc_def0, seed_hi: 0x1234_5678, coef: 0.25, rows, ..Lane::default() }];
    let mut recording = Recording::new();
    recording.upload(table.buffer, 0, &lane);
    recording.upload(weights.buffer, 0, &made_up(count, 1));
    recording.upload(x.buffer, 0, &made_up(rows * inputs, 7_919));
    let (bias_offset, from_batch) = (inputs * outputs, 1);
    let params =
        linear::Params { inputs, outputs, weight_offset: 0, bias_offset, from_batch, activation: linear::NONE };
    linear::record(&mut recording, &Lanes::new(table, &lane), how, &params, &Operands { weights, x, y, room }, None);
    recording.read_back(y);
    let result = device.run(&recording)?;
    for span in [weights, x, y, table, room] {
        device.destroy_buffer(span.buffer);
    }
    Ok(as_f32(&result.concat()))
}

/// A layer's gradients, of its weight and of its input, for slopes of up to half of `size`.
fn gradients(device: &mut dyn Device, how: Gradient, sizes: Sizes, size: f32) -> Result<[Vec<f32>; 2], DeviceError> {
    let Sizes { inputs, outputs, rows } = sizes;
    let values =
        |n: u32, from: u32, size: f32| made_up(n, from).into_iter().map(|value| size * value).collect::<Vec<f32>>();
    let mut make =
        |n: u32| device.create_buffer("start-up check", u64::from(n) * 4).map(|b| Span::of(b, u64::from(n) * 4));
    let (weights, x, dy, table) = (make(inputs * outputs)?, make(rows * inputs)?, make(rows * outputs)?, make(8)?);
    let (dw, parts, dx) = (make(inputs * outputs)?, make(inputs * outputs)?, make(rows * inputs)?);
    let lane = [Lane { rows, ..Lane::default() }];
    let mut recording = Recording::new();
    recording.upload(table.buffer, 0, &lane);
    recording.upload(weights.buffer, 0, &values(inputs * outputs, 1, 1.0));
    recording.upload(x.buffer, 0, &values(rows * inputs, 7_919, 1.0));
    recording.upload(dy.buffer, 0, &values(rows * outputs, 104_729, size));
    let lanes = Lanes::new(table, &lane);
    let params = linear_grad_weight::Params { inputs, outputs, weight_offset: 0, from_batch: 0, accumulate: 0 };
    linear_grad_weight::record(&mut recording, &lanes, how, &params, x, dy, &Target { gradients: dw, parts });
    let params = linear_grad_input::Params { inputs, outputs, weight_offset: 0 };
    linear_grad_input::record(&mut recording, &lanes, how, &params, weights, dy, dx);
    recording.read_back(dw);
    recording.read_back(dx);
    let result = device.run(&recording)?;
    for span in [weights, x, dy, table, dw, parts, dx] {
        device.destroy_buffer(span.buffer);
    }
    let of = |i: usize| result.get(i).map(|bytes| as_f32(bytes)).unwrap_or_default();
    Ok([of(0), of(1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_device_agrees() {
        let mut device = crate::device::testing::device();
        assert!(products_agree(device.as_mut()).unwrap());
    }

    #[test]
    fn another_seed_or_weight_is_noticed() {
        let how = Product::by_shuffles(Tiling::CORE, Some(Distribution::Rademacher));
        let right = layer(&mut ReferenceDevice::new(None), &how, FEW).unwrap();
        let plain = layer(&mut ReferenceDevice::new(None), &Product { perturbed: None, ..how }, FEW).unwrap();
        assert!(right.iter().zip(&plain).any(|(a, b)| (a - b).abs() > tolerance(FEW)));
    }

    /// What a compiler that takes a conversion to f16 and back for nothing makes of split operands, and what devices do that keep sums in f16.
    #[test]
    fn operands_of_one_f16_are_no_split_ones() {
        let how = Some(Distribution::Rademacher);
        let of = |way: Way| {
            let product = Product { way, ..Product::by_shuffles(Tiling::CORE, how) };
            layer(&mut ReferenceDevice::new(None), &product, MORE).unwrap()
        };
        let (single, split) = (of(Way::Matrix(SMALL)), of(Way::Matrix(SMALL.split())));
        let error = relative(&single, &split);
        assert!(error > 2.0 * matrix_tolerance(&SMALL.split(), how, product_tolerance(how, MORE.inputs)), "{error:e}");
        assert!(error > 2.0 * matrix_tolerance(&SMALL, how, product_tolerance(how, MORE.inputs)), "{error:e}");
        assert_ne!(relative(&[f32::NAN], &[1.0]).partial_cmp(&1.0), Some(std::cmp::Ordering::Less));
    }

    /// The check of activations in f16, where plain code multiplies.
    #[test]
    fn emulated_products_of_halves_agree_with_the_twin() {
        let mut device = crate::device::testing::device();
        let matrix = SMALL.by(Multiply::Emulated);
        let ours = halves(device.as_mut(), matrix).unwrap();
        let twin = halves(&mut ReferenceDevice::new(None), matrix).unwrap();
        assert!(relative(&ours, &twin) <= half_tolerance(&matrix), "{:e}", relative(&ours, &twin));
    }

    /// The check itself, where plain code multiplies.
    #[test]
    fn emulated_matrices_agree_with_the_twin() {
        let mut device = crate::device::testing::device();
        for matrix in [SMALL.by(Multiply::Emulated), SMALL.split().by(Multiply::Emulated)] {
            let (way, device) = (Way::Matrix(matrix), device.as_mut());
            let error = product_error(device, way).unwrap();
            assert!(
                error <= matrix_tolerance(&matrix, HOW, product_tolerance(HOW, MORE.inputs)),
                "{matrix}: {error:e}"
            );
            let error = gradient_error(device, way).unwrap();
            assert!(
                error <= matrix_tolerance(&matrix, None, product_tolerance(None, MORE.outputs)),
                "{matrix}, gradients: {error:e}"
            );
            assert!(shows_overflow(device, way).unwrap(), "{matrix}");
        }
        // The same slopes are no more than large to f32.
        assert!(!shows_overflow(device.as_mut(), Way::Shuffle).unwrap());
    }
}
