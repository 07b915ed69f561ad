"""Writes data files with the packages whose formats they are, and what is in them as plain bytes. For tests/readers.rs.

Prints a JSON line a case: the settings that read the file, the type of its values, and the files with the values (channels first, samples in
file order), labels and clients, little-endian. A package that is missing prints a line that says so.
"""

import json
import os
import sys

folder = sys.argv[1]
os.chdir(folder)
try:
    import numpy as np
except ImportError:
    print(json.dumps({"missing": "numpy"}))
    sys.exit()
draw = np.random.default_rng(7)
COUNT = 43


def case(name, sets, x, y, clients=None, names=None, exact=True):
    """x: `[n, c, h, w]` or `[n, features]` as the reader should give it."""
    kind = "bytes" if x.dtype == np.uint8 else "floats"
    np.ascontiguousarray(x if kind == "bytes" else x.astype("<f4")).tofile(f"{name}.x")
    np.asarray(y).astype("<u4").tofile(f"{name}.y")
    entry = {"case": name, "set": [f"{key}={value}" for key, value in sets.items()], "kind": kind}
    if clients is not None:
        np.asarray(clients).astype("<u4").tofile(f"{name}.c")
        entry["names"] = [str(n) for n in names]
    print(json.dumps(entry))


def package(name, write):
    try:
        write()
    except ImportError as error:
        print(json.dumps({"missing": f"{name}: {error}"}))


def arrays():
    images = draw.integers(0, 256, (COUNT, 5, 4, 3)).astype("uint8")
    labels, clients = draw.integers(0, 6, COUNT), draw.integers(-3, 4, COUNT)
    first = images.transpose(0, 3, 1, 2)
    names, of = np.unique(clients, return_inverse=True)
    labels[:6] = range(6)
    for name, save in [("stored", np.savez), ("packed", np.savez_compressed)]:
        save(f"{name}.npz", x=images, y=labels, client=clients)
        sets = {"data.name": "npz", "data.path": f"{name}.npz", "data.client": "client"}
        case(name, sets, first, labels, of, names)
    for dtype in ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]:
        name = "floats" + dtype[1:] + ("big" if dtype[0] == ">" else "")
        values = draw.normal(size=(COUNT, 7)).astype(dtype)
        np.savez(f"{name}.npz", x=values, y=labels.astype(">i2"))
        case(name, {"data.name": "npz", "data.path": f"{name}.npz"}, values, labels)
    os.mkdir("npys")
    mapped = np.lib.format.open_memmap("npys/x.npy", mode="w+", dtype="float32", shape=(COUNT, 2, 3, 4))
    mapped[:] = draw.normal(size=mapped.shape)
    mapped.flush()
    np.save("npys/y.npy", labels[:, None].astype("uint8"))
    case("npys", {"data.name": "npz", "data.path": "npys"}, np.asarray(mapped), labels)


def tensors():
    from safetensors.numpy import save_file

    values, labels = draw.normal(size=(COUNT, 3, 4, 4)).astype("float32"), np.arange(COUNT) % 5
    save_file({"x": values, "y": labels}, "tensors.safetensors")
    case("tensors", {"data.name": "safetensors", "data.path": "tensors.safetensors"}, values, labels)


def pictures():
    from PIL import Image

    pixels, labels = [], []
    for number, (label, mode, end) in enumerate(
        [(0, "RGB", "png"), (0, "L", "png"), (0, "P", "png"), (1, "RGB", "webp"), (1, "RGBA", "png"), (2, "1", "png"), (2, "RGB", "webp")]
    ):
        os.makedirs(f"pictures/class{label}", exist_ok=True)
        image = Image.fromarray(draw.integers(0, 256, (6, 9, 3)).astype("uint8")).convert(mode)
        path = f"pictures/class{label}/{number}.{end}"
        image.save(path, **({"lossless": True} if end == "webp" else {}))
        # What Pillow reads back; transparency is left out.
        read = Image.open(path)
        pixels.append(np.asarray(read.convert("RGBA"))[..., :3] if mode == "RGBA" else np.asarray(read.convert("RGB")))
        labels.append(label)
    case("pictures", {"data.name": "images", "data.path": "pictures"}, np.stack(pixels).transpose(0, 3, 1, 2), labels)


def tables():
    import pandas as pd

    frame = pd.DataFrame(draw.normal(size=(COUNT, 4)).astype("float32"), columns=["a", "b b", 'c"', "d,d"])
    frame["whole"] = draw.integers(-(2**40), 2**40, COUNT)
    frame["flag"] = draw.integers(0, 2, COUNT)
    frame["kind"] = draw.choice(["oak", "ash", "elm"], COUNT)
    frame["user"] = draw.choice(["u2", "u10", "u1"], COUNT)
    frame.loc[:2, "kind"] = ["oak", "ash", "elm"]
    x = np.stack([frame[c].to_numpy().astype("float32") for c in frame.columns[:6]], axis=1)
    (_, y), (names, of) = np.unique(frame["kind"], return_inverse=True), np.unique(frame["user"], return_inverse=True)
    frame.to_csv("table.csv", index=False)
    sets = {"data.label": "kind", "data.client": "user"}
    case("csv", {"data.name": "csv", "data.path": "table.csv"} | sets, x, y, of, names)

    def parquet():
        import pyarrow as pa
        import pyarrow.parquet as pq

        frame.set_index(pd.Index(range(5, COUNT + 5))).astype({"kind": "category"}).to_parquet("pandas.parquet")
        case("pandas", {"data.name": "parquet", "data.path": "pandas.parquet"} | sets, x, y, of, names)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        forms = {
            "v1": {"data_page_version": "1.0", "compression": "gzip"},
            "v2": {"data_page_version": "2.0", "compression": "snappy", "row_group_size": 10},
            "plain": {"use_dictionary": False, "compression": "none", "data_page_size": 64},
            "split": {"use_byte_stream_split": ["a"], "use_dictionary": False, "compression": "lz4"},
            "delta": {"column_encoding": {"whole": "DELTA_BINARY_PACKED", "kind": "DELTA_BYTE_ARRAY"}, "use_dictionary": ["user"]},
        }
        for name, form in forms.items():
            pq.write_table(table, f"{name}.parquet", **form)
            case(name, {"data.name": "parquet", "data.path": f"{name}.parquet"} | sets, x, y, of, names)

    package("pyarrow", parquet)


def learned():
    from sklearn.datasets import load_breast_cancer, load_digits

    digits = load_digits()
    case("digits", {"data.name": "digits"}, digits.images.astype("uint8")[:, None], digits.target)
    cells = load_breast_cancer()
    np.savez("cells.npz", x=cells.data, y=cells.target)
    case("cells", {"data.name": "npz", "data.path": "cells.npz"}, cells.data, cells.target)


package("numpy", arrays)
package("safetensors", tensors)
package("pillow", pictures)
package("pandas", tables)
package("scikit-learn", learned)
