//! Borders find what they are there for: launches that are told of more values than there are.

use super::*;
use crate::device::{ReferenceDevice, testing};
use crate::kernels::{copy, fill_constant, lib::fold_grid};
use crate::recording::kernel::Variant;

const QUADS: u32 = 4;

fn buffer(name: &str, quads: u32, content: bool) -> Buffer {
    let bytes = u64::from(quads) * 16;
    Buffer { name: name.to_owned(), bytes, content: content.then(|| vec![0; bytes as usize]) }
}

fn span(buffer: u32, quads: u32) -> Span {
    Span::of(BufferId(buffer), u64::from(quads) * 16)
}

fn devices() -> [Box<dyn Device>; 2] {
    [Box::new(ReferenceDevice::new(None)), testing::device()]
}

#[test]
fn a_write_beyond_a_buffer_is_found() {
    for mut device in devices() {
        for more in [0, 1] {
            let mut recording = Recording::new();
            let params = fill_constant::Params { value: 0.75, quads: QUADS + more };
            let grid = fold_grid(u64::from(QUADS + more), 1024);
            recording.dispatch(&fill_constant::KERNEL, Variant::plain(), &params, &[span(0, QUADS)], grid, 16);
            let result = run_between_borders(device.as_mut(), &[buffer("out", QUADS, false)], &recording);
            match result {
                Ok(_) => assert_eq!(more, 0),
                Err(Failure::Border { name, side, word, found }) => {
                    assert_eq!((more, &name[..], side, word, found), (1, "out", "behind", 0, 0.75f32.to_bits()));
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn a_read_beyond_a_buffer_is_found() {
    for mut device in devices() {
        for more in [0, 1] {
            let (mut recording, quads) = (Recording::new(), QUADS + more);
            let params = copy::Params { quads };
            let operands = [span(0, QUADS), span(1, quads)];
            let grid = fold_grid(u64::from(quads), 1024);
            recording.dispatch(&copy::KERNEL, Variant::plain(), &params, &operands, grid, 16);
            recording.read_back(span(1, quads));
            let buffers = [buffer("source", QUADS, true), buffer("out", quads, false)];
            let ours = run_between_borders(device.as_mut(), &buffers, &recording).unwrap();
            let found = check_not_a_number(&ours, &[vec![0; 16 * quads as usize]]);
            match found {
                Ok(()) => assert_eq!(more, 0),
                Err(Failure::NotANumber { read_back, index }) => {
                    assert_eq!((more, read_back, index), (1, 0, 4 * QUADS as usize));
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}
