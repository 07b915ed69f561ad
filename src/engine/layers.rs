//! The kernels of each layer kind: forward and backward of a chunk of lanes.
