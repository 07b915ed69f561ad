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

# Parquet, by pandas and PyArrow.
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

i = np.arange(N)
flowers = pd.DataFrame(
    {
        "width": i / 4,
        "height": -i,
        "even": i % 2 == 0,
        "class": pd.Categorical([["rose", "daisy", "tulip"][k % 3] for k in i]),
        "user": [f"u{k % 4}" for k in i],
    },
    index=pd.Index(i * 10),
)
flowers.to_parquet("flowers.parquet")
n = np.arange(40)
types = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"]
table = pa.table({name: n.astype(name) for name in types} | {"label": n})
for packing in ["snappy", "gzip", "lz4", "none"]:
    pq.write_table(table, f"types-{packing}.parquet", compression=packing, row_group_size=7, version="2.6")
large = np.arange(10)
large[4] = 2**53 + 2**29 + 1
pq.write_table(pa.table({"a": large, "y": np.arange(10)}).slice(0, 5).cast(pa.schema([("a", "int64"), ("y", "int64")])), "large.parquet")
rows = [[float(k), k + 0.5] for k in range(6)]
y = list(range(6))
pq.write_table(pa.table({"x": rows, "y": y}), "list.parquet")
pq.write_table(pa.table({"x": pa.array(rows, pa.list_(pa.float32(), 2)), "y": y}), "fixed.parquet")
pq.write_table(pa.table({"x": [{"a": k} for k in range(6)], "y": y}), "struct.parquet")
pq.write_table(pa.table({"a": [1.0] * 8, "b": [1.0] * 6 + [None, 2.0], "y": [0, 1] * 4}), "null.parquet")
pq.write_table(pa.table({"when": pd.date_range("2020-01-01", periods=6), "y": y}), "dates.parquet")
pq.write_table(pa.table({"a": [1.0, 2.0, float("nan"), 3.0, 4.0, 5.0], "y": y}), "nan.parquet")
pq.write_table(pa.table({"a": [float(k) for k in y], "y": y}), "zstd.parquet", compression="zstd")

# Batches of arrays: pickles as ImageNet32 and the Python version of CIFAR-10 have them, and the former's archives. 8 x 8 pixels.
import pickle

for folder in ["imagenet32", "imagenet32-npz", "cifar-py"]:
    Path(folder).mkdir(exist_ok=True)


def batch(n, first, size=192):
    return {"data": values(n, size, first=first), "labels": [1 + (97 * i) % 1000 for i in range(first, first + n)], "mean": np.full(size, 0.5)}


parts = [("train_data_batch_1", 6, 0, 4), ("train_data_batch_2", 5, 6, 5), ("train_data_batch_10", 30, 11, 3), ("val_data", 4, 50, 4)]
for name, n, first, protocol in parts:
    with open(f"imagenet32/{name}", "wb") as file:
        pickle.dump(batch(n, first), file, protocol=protocol)
    one = batch(n, first)
    np.savez(f"imagenet32-npz/{name}.npz", data=one["data"], labels=np.array(one["labels"]))
for name, n, first, protocol in [("data_batch_1", 2, 0, 3), ("data_batch_2", 1, 2, 4), ("test_batch", 2, 50, 5)]:
    data = values(n, 3072, first=first)
    # Labels of NumPy's types, keys of bytes.
    item = {b"batch_label": name.encode(), b"labels": [np.int64(i % 10) for i in range(first, first + n)], b"data": data, b"filenames": []}
    with open(f"cifar-py/{name}", "wb") as file:
        pickle.dump(item, file, protocol=protocol)

# The data of the tutorial, by the program that stands there.
import re

exec(re.search("```python\n(.*?)```", open("../../docs/tutorial.md").read(), re.S)[1])
