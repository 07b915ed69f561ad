#!/usr/bin/env python3
"""Golden files of chains of layers (docs/models.md, `sequential`), by PyTorch in f64: what tests/chains.rs holds the engine against.

    torch_chains.py NAME... --out tests/golden      writes chains-NAME.safetensors and, where the chain has probes, spsa-chains-NAME.json

Weights, inputs and running statistics are drawn in f32 from a generator that the chain's name seeds; everything behind them is f64. Each
gradient is checked against the difference of two losses along three random directions before anything is written. The perturbation stream
and the masks of dropouts are written anew here, from docs/perturbation-stream.md and docs/random.md. Needs torch and numpy.
"""
import argparse
import hashlib
import json
import math
import pathlib
import struct

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

SAMPLES = 5
TAU = 0.75
conv = lambda out, kernel, stride=1, padding=0, bias=True: dict(
    conv=out, kernel=kernel, stride=stride, padding=padding, bias=bias)
linear = lambda out, bias=True: dict(linear=out, bias=bias)
maxpool = lambda kernel, stride: dict(maxpool=kernel, stride=stride)
avgpool = lambda kernel, stride: dict(avgpool=kernel, stride=stride)
groupnorm = lambda groups: dict(groupnorm=groups)
layernorm = dict(layernorm=True)
residual = lambda *layers, project=False: dict(residual=list(layers), project=project)

# NAME: (input, layers, mode, whether there are probes). No bias stands before a batch norm of the batch, and no group has two values: such
# gradients are zero, or nearly cancel.
CHAINS = {
    "batchnorm-first": ([2, 5, 4], ["batchnorm", conv(3, 3, padding=1, bias=False), "batchnorm", "relu", "flatten", linear(4)], "train", True),
    "batchnorm-last": ([3, 4, 4], [conv(4, 2, stride=2, bias=False), "batchnorm", "tanh", "flatten", linear(6, bias=False), "batchnorm"], "train", False),
    "batchnorm-eval": ([2, 5, 5], ["batchnorm", "gelu", conv(4, 3), "batchnorm", "relu", "globalavgpool", linear(5), "batchnorm"], "eval", True),
    "layernorm-first": ([2, 5, 3], [layernorm, conv(3, 2), layernorm, "relu", "flatten", linear(5)], "train", True),
    "layernorm-last": (7, [linear(9), layernorm, "gelu", linear(6, bias=False), layernorm], "train", False),
    "residual-first": ([2, 6, 6], [residual("tanh", conv(2, 3, padding=1, bias=False), groupnorm(1)), "relu", maxpool(2, 2), "flatten", linear(4)], "train", True),
    "residual-batchnorm": ([2, 5, 5], [conv(4, 3, padding=1, bias=False), "batchnorm", "relu",
        residual(conv(4, 3, padding=1, bias=False), "batchnorm", "relu", conv(4, 3, padding=1, bias=False), "batchnorm"), "relu",
        residual(conv(6, 3, stride=2, padding=1, bias=False), "batchnorm", project=True), "globalavgpool", linear(5)], "train", True),
    "residual-last": (6, [linear(5), residual(layernorm, linear(7), "gelu", linear(5))], "train", True),
    "residual-nested": (8, [residual("relu", linear(8), residual(layernorm, linear(8), "tanh")), linear(4)], "train", False),
    "project-first": ([3, 7, 5], [residual(conv(5, 3, stride=2, padding=1), "gelu", project=True), residual(conv(5, 3, padding=1), groupnorm(1), "relu"), "flatten", linear(4)], "train", True),
    "project-last": ([2, 3, 3], ["flatten", linear(7), "relu", residual("tanh", linear(5), "gelu", project=True)], "train", True),
    "project-pool": ([3, 6, 6], [conv(4, 3, padding=1), residual("relu", maxpool(2, 2), groupnorm(2), project=True), "tanh", "globalavgpool", linear(3)], "train", False),
    "dropout-first": ([2, 4, 4], [dict(dropout=0.3), conv(3, 3, padding=1), "relu", "flatten", linear(4)], "train", True),
    "dropout-middle": ([2, 6, 5], [conv(4, 3), "tanh", dict(dropout=0.4), groupnorm(2), "flatten", linear(6),
        residual("gelu", linear(6), dict(dropout=0.5)), dict(dropout=0.1), linear(4)], "train", False),
    "dropout-last": (6, [linear(8), "gelu", linear(5), dict(dropout=0.25)], "train", False),
    "gelu-middle": ([2, 5, 5], [conv(4, 3), groupnorm(2), "gelu", conv(3, 2, bias=False), avgpool(2, 2), "gelu", "flatten", linear(4), "gelu"], "train", True),
    "globalavgpool-middle": ([2, 6, 6], [conv(5, 3, stride=2, padding=1), "tanh", "globalavgpool",
        layernorm, linear(6, bias=False), "relu", linear(4)], "train", True),
}


def philox(seed, counters):
    """`[n, 4]` u32 for counters `[n, 4]`."""
    c = [counters[:, i].astype(np.uint64) for i in range(4)]
    low = np.uint64(0xFFFFFFFF)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p2, p0 = c[2] * np.uint64(0xCD9E8D57), c[0] * np.uint64(0xD2511F53)
        c = [(p2 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p2 & low, (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, 1).astype(np.uint32)


assert [hex(x) for x in philox(0x299f31d0a4093822, np.array([[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344]]))[0]] == \
    ["0xd16cfe09", "0x94fdcceb", "0x5001e420", "0x24126ea1"]


def elements(distribution, seed, d):
    stream, per = {"rademacher": (0, 128), "gaussian": (2, 4)}[distribution]
    blocks = np.arange(-(-d // per), dtype=np.uint64)
    x = philox(seed, np.stack([blocks, blocks * 0, blocks * 0 + np.uint64(stream), blocks * 0], 1))
    if distribution == "rademacher":
        bits = (x[:, :, None] >> np.arange(32, dtype=np.uint32)) & 1
        return (2.0 * bits.reshape(-1) - 1.0)[:d]
    pairs = x.reshape(-1, 2).astype(np.float64)
    u1, u2 = (np.floor(pairs[:, 0] / 256) + 1) * 2.0**-24, np.floor(pairs[:, 1] / 256) * 2.0**-24
    r = np.sqrt(-2 * np.log(u1))
    return np.stack([r * np.cos(2 * np.pi * u2), r * np.sin(2 * np.pi * u2)], 1).reshape(-1)[:d]


class Masks(nn.Module):
    """A dropout: nothing without a seed, else what the seed says; `number` among the model's dropouts."""
    seed = None

    def __init__(self, p, number):
        super().__init__()
        self.p, self.number = p, number

    def forward(self, x):
        if Masks.seed is None:
            return x
        rows, values = x.shape[0], x[0].numel()
        blocks = -(-values // 4)
        row, block = np.divmod(np.arange(rows * blocks, dtype=np.uint64), np.uint64(blocks))
        words = philox(Masks.seed, np.stack([block, row, row * 0 + np.uint64(self.number), row * 0 + np.uint64(0x5EED0004)], 1))
        kept = words.reshape(rows, blocks * 4)[:, :values] >= min(round(self.p * 2**32), 2**32 - 1)
        return x * torch.from_numpy(kept).reshape(x.shape) * float(np.float32(1 / (1 - self.p)))


class Residual(nn.Sequential):
    def __init__(self, layers, project):
        super().__init__(*layers)
        self.project = project

    def forward(self, x):
        y = x
        for name, layer in self.named_children():
            if name != "project":
                y = layer(y)
        return y + (x if self.project is None else self.project(x))


def build(entries, shape, count):
    """Modules and the shape that they give. `count`: dropouts so far, in a list."""
    modules = []
    for entry in entries:
        if isinstance(entry, str):
            layer = {"globalavgpool": nn.Sequential, "flatten": nn.Flatten, "relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}.get(entry)
            if entry == "batchnorm":
                layer = (nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d)(shape[0])
            elif entry == "globalavgpool":
                layer = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
            else:
                layer = layer()
        elif "residual" in entry:
            inner, after = build(entry["residual"], shape, count)
            project = None
            if entry["project"]:
                # The smallest stride that makes the shape.
                stride = next((s for s in range(1, 99) if all((n - 1) // s + 1 == to for n, to in zip(shape[1:], after[1:]))), None)
                project = nn.Conv2d(shape[0], after[0], 1, stride, bias=False) if len(shape) == 3 else nn.Linear(shape[0], after[0], bias=False)
            layer = Residual(inner, project)
        elif "dropout" in entry:
            layer = Masks(entry["dropout"], count[0])
            count[0] += 1
        elif "conv" in entry:
            layer = nn.Conv2d(shape[0], entry["conv"], entry["kernel"], entry["stride"], entry["padding"], bias=entry["bias"])
        elif "linear" in entry:
            layer = nn.Linear(shape[0], entry["linear"], bias=entry["bias"])
        elif "groupnorm" in entry:
            layer = nn.GroupNorm(entry["groupnorm"], shape[0])
        elif "layernorm" in entry:
            layer = nn.LayerNorm(shape)
        elif "maxpool" in entry:
            layer = nn.MaxPool2d(entry["maxpool"], entry["stride"])
        else:
            layer = nn.AvgPool2d(entry["avgpool"], entry["stride"])
        with torch.no_grad():
            # In a training batch norm's forward pass a batch of one vector is refused.
            layer.eval()
            shape = list(layer(torch.zeros(1, *shape)).shape[1:])
            layer.train()
        modules.append(layer)
    return modules, shape


def draw(model, rng):
    """Values that f32 holds, scales of norms at least 0.5 in size and some of them negative."""
    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)
    with torch.no_grad():
        for module in model.modules():
            for name, p in list(module.named_parameters(recurse=False)) + list(module.named_buffers(recurse=False)):
                if name == "num_batches_tracked":
                    continue
                z = torch.from_numpy(rng.standard_normal(tuple(p.shape)))
                if name == "running_var":
                    value = 0.5 + z.abs()
                elif name == "weight" and isinstance(module, norms):
                    value = torch.sign(z) * (0.5 + 0.5 * z.abs())
                elif name == "weight":
                    value = z * math.sqrt(2 / p[0].numel())
                else:
                    value = 0.3 * z
                p.copy_(value.float().double())


def loss_of(model, x, y):
    return F.cross_entropy(model(x), y)


def gradient(model, x, y):
    model.zero_grad()
    loss_of(model, x, y).backward()
    return torch.cat([p.grad.reshape(-1) for p in model.parameters()])


def moved(model, x, y, z, start):
    """The loss at `start + z`, statistics kept as they are."""
    buffers = {k: v.clone() for k, v in model.named_buffers()}
    nn.utils.vector_to_parameters(start + z, model.parameters())
    with torch.no_grad():
        loss = loss_of(model, x, y).item()
        for k, v in model.named_buffers():
            v.copy_(buffers[k])
    nn.utils.vector_to_parameters(start, model.parameters())
    return loss


def checked_gradient(model, x, y, start, rng):
    """The gradient, which agrees with differences of losses to a part in 10,000."""
    buffers = {k: v.clone() for k, v in model.named_buffers()}
    g = gradient(model, x, y)
    with torch.no_grad():
        for k, v in model.named_buffers():
            v.copy_(buffers[k])
    for _ in range(3):
        z = torch.from_numpy(rng.standard_normal(len(start))) * 1e-6
        difference = moved(model, x, y, z, start) - moved(model, x, y, -z, start)
        expected = 2 * (g @ z).item()
        assert abs(difference - expected) < 1e-4 * abs(expected) + 1e-4 * 2 * g.norm().item() * z.norm().item() / len(start) ** 0.5, \
            (difference, expected)
    return g


def write_safetensors(path, tensors, metadata):
    header, blobs, at = {"__metadata__": metadata}, [], 0
    for name, array in tensors.items():
        array = np.ascontiguousarray(array)
        kind = {"float32": "F32", "int64": "I64"}[str(array.dtype)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        blobs.append(array.tobytes())
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def make(name, out):
    shape, layers, mode, probes = CHAINS[name]
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")))
    image = [shape] if isinstance(shape, int) else shape
    modules, after = build(layers, image, [0])
    assert len(after) == 1 or after[1:] == [1, 1], (name, after)
    table = {"kind": "sequential", "input": shape, "layers": layers, "classes": after[0]}
    model = nn.Sequential(*modules, nn.Flatten()).double()
    draw(model, rng)
    model.train(mode == "train")
    x = torch.from_numpy(rng.standard_normal((SAMPLES, *image)).astype(np.float32)).double()
    y = torch.from_numpy(rng.integers(0, after[0], SAMPLES))
    f32 = lambda t: t.detach().numpy().astype(np.float32)
    start = nn.utils.parameters_to_vector(model.parameters()).detach().clone()
    named = list(model.named_parameters())
    split = lambda g: zip([k for k, _ in named], torch.split(g, [p.numel() for _, p in named]))
    statistics = lambda: {k: f32(v) for k, v in model.named_buffers() if not k.endswith("num_batches_tracked")}
    shaped = {k: tuple(p.shape) for k, p in named}

    before = statistics()
    g = checked_gradient(model, x, y, start, rng)
    tensors = {"x": f32(x), "y": y.numpy().astype(np.int64)}
    tensors |= {f"param/{k}": f32(p) for k, p in named}
    tensors |= {f"buffer/{k}": v for k, v in before.items()}
    logits = model(x)
    tensors |= {"out/logits": f32(logits), "out/loss": f32(F.cross_entropy(logits, y).reshape(1))}
    tensors |= {f"grad/{k}": f32(v).reshape(shaped[k]) for k, v in split(g)}
    if mode == "train":
        tensors |= {f"out_buffer/{k}": v for k, v in statistics().items()}
    metadata = {"model": json.dumps(table), "mode": mode}
    if "dropout" in json.dumps(layers):
        Masks.seed = 0xD0D0_0000_0000_0000 | int.from_bytes(hashlib.sha256(name.encode()).digest()[8:12], "little")
        masked = checked_gradient(model, x, y, start, rng)
        metadata["masks"] = f"{Masks.seed:016x}"
        tensors |= {"masked/loss": f32(loss_of(model, x, y).reshape(1))}
        tensors |= {f"masked/grad/{k}": f32(v).reshape(shaped[k]) for k, v in split(masked)}
        Masks.seed = None
    write_safetensors(out / f"chains-{name}.safetensors", tensors, metadata)
    if not probes:
        return
    with torch.no_grad():
        for k, v in model.named_buffers():
            if k in before:
                v.copy_(torch.from_numpy(before[k]))
    seed = 0x5EED_0000_0000_0000 | int.from_bytes(hashlib.sha256(name.encode()).digest()[12:16], "little")
    cases = []
    for distribution in ["rademacher", "gaussian"]:
        z = torch.from_numpy(TAU * elements(distribution, seed, len(start)))
        for epsilon in [1e-2, 1e-3]:
            plus, minus = (moved(model, x, y, s * epsilon * z, start) for s in (1, -1))
            single = model.float()
            in_f32 = [moved(single, x.float(), y, (s * epsilon * z).float(), start.float()) for s in (1, -1)]
            model.double()
            nn.utils.vector_to_parameters(start, model.parameters())
            cases.append({"distribution": distribution, "epsilon": epsilon, "loss_plus": plus, "loss_minus": minus, "dl": plus - minus,
                          "dl_torch_f32": float(np.float32(in_f32[0]) - np.float32(in_f32[1])), "two_eps_grad_dot_z": 2 * epsilon * (g @ z).item()})
    spsa = {"format": "zo-spsa-golden", "version": 1, "golden": f"chains-{name}.safetensors", "mode": mode, "model": table,
            "params": len(start), "seed": f"{seed:016x}", "tau": TAU, "cases": cases}
    (out / f"spsa-chains-{name}.json").write_text(json.dumps(spsa, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CHAINS)}; none: all")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    for name in args.names or CHAINS:
        make(name, args.out)


if __name__ == "__main__":
    main()
