//! How the images of warm-up batches are moved (`data.augment`): drawn on the host, so that every device sees the same images.

use crate::engine::Moves;
use crate::kernels::gather::Move;
use crate::rng::host::{below, pcg};

/// Pixels of the black border that a crop may reach into, as usual for CIFAR.
const PAD: u32 = 4;

/// The moves of batch number `batch` of a client's local epochs in a round, counted through all of them (docs/random.md): a crop of an
/// image's size out of the image with a border of 4, then mirrored half of the time.
pub fn moves(shuffle_seed: u64, round: u32, client: u32, batch: usize, rows: usize, width: usize) -> Moves {
    let mut rng = pcg(shuffle_seed, &format!("augment/{round}/{client}/{batch}"));
    let mut draw = |n: u32| below(&mut rng, u64::from(n)) as u8;
    let side = 2 * PAD + 1;
    let mut row = || {
        let (dy, dx) = (draw(side), draw(side));
        Move { dx, dy, flip: draw(2) == 1 }
    };
    Moves { width: width as u32, pad: PAD, rows: (0..rows).map(|_| row()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From an independent implementation of docs/random.md in Python (hashlib and big integers).
    #[test]
    fn known_answers() {
        let expected = [(4, 8, false), (1, 2, false), (2, 7, true), (7, 6, false), (4, 6, true)];
        let expected = expected.map(|(dx, dy, flip)| Move { dx, dy, flip });
        assert_eq!(moves(5, 3, 1, 0, 5, 32).rows, expected);
    }

    #[test]
    fn moves_cover_the_border_and_both_directions() {
        let all = moves(5, 3, 1, 0, 20_000, 32);
        assert_eq!((all.pad, all.width, all.rows.len()), (4, 32, 20_000));
        let mut counts = [0u32; 81];
        for row in &all.rows {
            counts[usize::from(row.dy) * 9 + usize::from(row.dx)] += 1;
        }
        // 247 expected each, standard deviation 15.6; half mirrored, standard deviation 71: six of them.
        assert!(counts.iter().all(|count| count.abs_diff(247) < 94), "{counts:?}");
        let flips = all.rows.iter().filter(|row| row.flip).count();
        assert!(flips.abs_diff(10_000) < 425, "{flips}");
        for other in
            [moves(6, 3, 1, 0, 9, 32), moves(5, 2, 1, 0, 9, 32), moves(5, 3, 0, 0, 9, 32), moves(5, 3, 1, 1, 9, 32)]
        {
            assert_ne!(other.rows, all.rows[..9]);
        }
    }
}
