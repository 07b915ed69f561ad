// A thread's Values in elementwise kernels over images: RUN of one plane (row and channel), PIXELS / RUN apart, so that what
// belongs to the plane is loaded once and neighbouring threads keep to neighbouring Values. Run i has plane i / STEP and begins at
// its Value i % STEP.
const RUN: u32 = 1u;
const STEP: u32 = PIXELS / RUN;
