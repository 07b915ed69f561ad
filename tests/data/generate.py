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

# Images by class, read by place: colour, grey, palette, lossless WebP, with alpha; all of 6 rows and 5 columns.
from pathlib import Path

from PIL import Image

for folder in ["images/a", "images/b", "jpeg/train/x", "jpeg/train/y", "jpeg/test/y"]:
    Path(folder).mkdir(parents=True, exist_ok=True)
pixels = values(6, 6, 5, 3)
written = [
    ("images/a/0.png", Image.fromarray(pixels[0])),
    ("images/a/1.png", Image.fromarray(pixels[1, :, :, 0])),
    ("images/a/2.png", Image.fromarray(pixels[2]).quantize(8)),
    ("images/b/0.webp", Image.fromarray(pixels[3])),
    ("images/b/1.webp", Image.fromarray(pixels[4])),
    ("images/b/2.png", Image.fromarray(np.concatenate([pixels[5], pixels[5, :, :, :1]], axis=2))),
]
for name, image in written:
    image.save(name, **({"lossless": True} if name.endswith("webp") else {}))
smooth = np.add.outer(np.arange(16), np.arange(16)).astype("uint8")
jpegs = ["jpeg/train/x/0.jpg", "jpeg/train/y/0.jpg", "jpeg/test/y/0.jpeg"]
for i, name in enumerate(jpegs):
    Image.fromarray(smooth * (i + 2)).save(name, quality=90)
# What Pillow reads of them.
np.savez_compressed(
    "images.npz",
    lossless=np.stack([np.asarray(Image.open(name).convert("RGB")) for name, _ in written]),
    jpeg=np.stack([np.asarray(Image.open(name)) for name in jpegs]),
    resized=np.stack([np.asarray(Image.open("images/a/0.png").resize((5, 3), Image.BILINEAR))]),
)

# A header, labels as text in a column called class, and quotes.
with open("flowers.csv", "w") as file:
    file.write('width,height,class,"leaf, length"\n')
    for i in range(N):
        file.write(f'{i / 4},{-i},{["rose", "daisy", "tulip"][i % 3]},"{i}e2"\n')
# No header; the last column is the label, numbers that text would sort otherwise.
with open("plain.csv", "w") as file:
    file.writelines(f"{i}.5, {i * i},{[9, 10, 100][i % 3]}\n" for i in range(N))
