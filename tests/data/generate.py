"""Writes the small data sets of this folder. Sample i has value (7 i + 13 j) mod 256 at place j, and label i mod 3."""

import numpy as np
from safetensors.numpy import save_file

N = 11


def values(n, *shape, first=0):
    j = np.arange(int(np.prod(shape)))
    i = np.arange(first, first + n)[:, None]
    return ((7 * i + 13 * j) % 256).astype("uint8").reshape(n, *shape)


def labels(n, first=0):
    return np.arange(first, first + n) % 3


# Deflated bytes, channels last, with a test part; labels of 64 bits with a sign.
np.savez_compressed("bytes.npz", x=values(N, 4, 5, 3), y=labels(N), x_test=values(4, 4, 5, 3, first=50), y_test=labels(4, first=50))
# Stored floats, two features, no test part; labels of 8 bits.
np.savez("floats.npz", x=values(N, 2).astype("float32") / 8 - 3, y=labels(N).astype("uint8"))
# Halves, most significant byte first, one channel; labels in a column. Names as Keras's mnist.npz has them.
np.savez("halves.npz", x_train=values(N, 4, 5).astype(">f2"), y_train=labels(N).astype("int16")[:, None])
# Doubles in Fortran order.
np.savez("fortran.npz", x=np.asfortranarray(values(N, 4, 5).astype("float64")), y=labels(N))

save_file({"x": values(N, 4, 5, 3).astype("float16"), "y": labels(N)}, "halves.safetensors")
save_file({"x": values(N, 2), "y": labels(N), "x_test": values(4, 2, first=50), "y_test": labels(4, first=50)}, "bytes.safetensors")
