// The Values of a thread in elementwise kernels over images: PER_THREAD of one plane (row and channel), PIXELS / PER_THREAD apart, so that
// what belongs to the plane is loaded once and neighbouring threads keep to neighbouring Values. Item i has plane i / step and begins at
// its Value i % step, where step = PIXELS / PER_THREAD.
const PER_THREAD: u32 = 1u;
