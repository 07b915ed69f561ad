// Sums over samples go over fixed blocks of so many samples in order, each block summed by itself from 0. A cut between two
// blocks (the later recording goes on with accumulate = 1) thus changes no bit.
const SAMPLE_BLOCK: u32 = 8u;
