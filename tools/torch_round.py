#!/usr/bin/env python3
"""What one would write instead of this engine: rounds of ZOWarmUp in plain PyTorch, timed.

    torch_round.py --what zo     --model resnet --clients 5 --probes 3 --batch 1000 --device cuda
    torch_round.py --what zo     --mode vmap --model mlp --clients 20 --probes 3 --batch 71
    torch_round.py --what warmup --model resnet --clients 5 --batch 1000 --minibatch 64 --local-epochs 3
    torch_round.py --what replay --d 11173962 --n 150

Prints one JSON object. Each way is written as fast as plain PyTorch allows: a loop moves the weights in place and back and makes a
direction again from its seed (as MeZO and DeComFL do); vmap evaluates many perturbed models as one batch. Needs torch alone.
The models are those of docs/models.md.
"""
import argparse
import contextlib
import json
import math
import os
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Mlp(nn.Module):
    def __init__(self, a):
        super().__init__()
        sizes = [math.prod(a.input)] + a.hidden + [a.classes]
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in zip(sizes, sizes[1:]))

    def forward(self, x):
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)


class Cnn(nn.Module):
    def __init__(self, a):
        super().__init__()
        c, h, w = a.input
        self.convs = nn.ModuleList()
        for out in a.channels:
            self.convs.append(nn.Conv2d(c, out, 5, padding=2))
            c, h, w = out, h // 2, w // 2
        self.fc1, self.fc2 = nn.Linear(c * h * w, a.hidden[0]), nn.Linear(a.hidden[0], a.classes)

    def forward(self, x):
        for conv in self.convs:
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def norm(a, channels):
    return nn.BatchNorm2d(channels) if a.norm == "batch" else nn.GroupNorm(a.groups, channels)


class Block(nn.Module):
    def __init__(self, a, cin, cout, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False), norm(a, cout)
        self.conv2, self.bn2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False), norm(a, cout)
        self.shortcut = nn.Sequential()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), norm(a, cout))

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a.input[0], a.width, 3, 1, 1, bias=False), norm(a, a.width)
        blocks, cin = [], a.width
        for stage in range(4):
            cout = a.width << stage
            blocks += [Block(a, cin, cout, 1 if stage == 0 else 2), Block(a, cout, cout, 1)]
            cin = cout
        self.blocks, self.linear = nn.Sequential(*blocks), nn.Linear(cin, a.classes)

    def forward(self, x):
        return self.linear(self.blocks(F.relu(self.bn1(self.conv1(x)))).mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d))


class ViTBlock(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.norm1, self.attn, self.norm2 = nn.LayerNorm(a.dim), Attention(a.dim, a.heads), nn.LayerNorm(a.dim)
        self.fc1, self.fc2 = nn.Linear(a.dim, a.mlp), nn.Linear(a.mlp, a.dim)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class ViT(nn.Module):
    def __init__(self, a):
        super().__init__()
        c, h, w = a.input
        self.cls_token = nn.Parameter(torch.zeros(1, 1, a.dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, (h // a.patch) * (w // a.patch) + 1, a.dim))
        self.patch_embed = nn.Conv2d(c, a.dim, a.patch, a.patch)
        self.blocks = nn.Sequential(*(ViTBlock(a) for _ in range(a.depth)))
        self.head = nn.Linear(a.dim, a.classes)

    def forward(self, x):
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], 1) + self.pos_embed
        return self.head(self.blocks(x)[:, 0])


KINDS = {"mlp": Mlp, "cnn": Cnn, "resnet": ResNet, "vit": ViT}

# random_(0, 2) beats bernoulli_ several times; its +-1/2 are made +-1 by the addition that follows, which saves a pass over memory.
GAIN = {"rademacher": 2.0, "gaussian": 1.0}


def fill(z, dist, gen):
    """A direction, divided by its GAIN, into z."""
    return z.random_(0, 2, generator=gen).sub_(0.5) if dist == "rademacher" else z.normal_(generator=gen)


class Rounds:
    def __init__(self, a, dev):
        self.a, self.dev = a, dev
        torch.manual_seed(0)
        self.model = KINDS[a.model](a).to(dev)
        if a.channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        self.params = list(self.model.parameters())
        self.d = sum(p.numel() for p in self.params)
        self.flop = self.forward_flop()
        # Probes see the running statistics as they are.
        self.model.train(a.what == "warmup")
        gen = torch.Generator().manual_seed(1)
        self.x = torch.randn([a.clients, a.batch] + a.input, generator=gen).to(dev)
        if a.channels_last and len(a.input) == 3:
            self.x = self.x.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, (a.clients, a.batch))
        self.y = torch.randint(0, a.classes, (a.clients, a.batch), generator=gen).to(dev)
        self.gen = torch.Generator(dev)
        self.forward = torch.compile(self.model) if a.compile else self.model

    def forward_flop(self):
        """Operations of one image in matrix products and convolutions."""
        try:
            from torch.utils.flop_counter import FlopCounterMode
        except ImportError:
            return None
        self.model.eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            self.model(torch.zeros([2] + self.a.input, device=self.dev))
        return counter.get_total_flops() / 2

    def loss(self, x, y):
        half = torch.autocast(self.dev.type, dtype=torch.bfloat16) if self.a.precision == "bf16" else contextlib.nullcontext()
        with half:
            return F.cross_entropy(self.forward(x).float(), y)

    def seed(self, rnd, client, probe):
        return (rnd * 1_000_003 + client) * 1009 + probe

    def shift(self, seed, by):
        self.gen.manual_seed(seed)
        for p in self.params:
            p.data.add_(fill(torch.empty_like(p), self.a.dist, self.gen), alpha=by * GAIN[self.a.dist])

    @torch.no_grad()
    def zo_loop(self, rnd):
        a, seeds, dls = self.a, [], []
        step = a.epsilon * a.tau
        for c in range(a.clients):
            for p in range(a.probes):
                seed = self.seed(rnd, c, p)
                self.shift(seed, step)
                up = self.loss(self.x[c], self.y[c])
                self.shift(seed, -2 * step)
                dls.append(up - self.loss(self.x[c], self.y[c]))
                self.shift(seed, step)
                seeds.append(seed)
        self.update(seeds, torch.stack(dls))

    @torch.no_grad()
    def zo_vmap(self, rnd):
        a, names = self.a, [n for n, _ in self.model.named_parameters()]

        def one(flat, x, y):
            parts = flat.split([p.numel() for p in self.params])
            named = {n: part.view(p.shape) for n, part, p in zip(names, parts, self.params)}
            return F.cross_entropy(torch.func.functional_call(self.model, named, (x,)), y)

        flat = torch.cat([p.detach().reshape(-1) for p in self.params])
        pairs = [(c, p) for c in range(a.clients) for p in range(a.probes)]
        seeds, dls = [], []
        for k in range(0, len(pairs), a.chunk):
            part = pairs[k:k + a.chunk]
            z = torch.empty((len(part), self.d), device=self.dev)
            for row, (c, p) in zip(z, part):
                seeds.append(self.seed(rnd, c, p))
                self.gen.manual_seed(seeds[-1])
                fill(row, a.dist, self.gen)
            z.mul_(a.epsilon * a.tau * GAIN[a.dist])
            c = torch.tensor([c for c, _ in part] * 2, device=self.dev)
            losses = torch.func.vmap(one)(torch.cat([flat + z, flat - z]), self.x[c], self.y[c])
            dls.append(losses[:len(part)] - losses[len(part):])
        self.update(seeds, torch.cat(dls))

    def update(self, seeds, dls):
        a = self.a
        # What goes over the wire.
        for seed, dl in zip(seeds, dls.float().cpu().tolist()):
            self.shift(seed, -a.lr / len(seeds) * dl / (2 * a.epsilon) * a.tau)

    def warmup(self, rnd):
        a = self.a
        state = [t for t in self.model.state_dict().values() if t.is_floating_point()]
        base = [t.clone() for t in state]
        total = [torch.zeros_like(t) for t in state]
        gen = torch.Generator().manual_seed(rnd)
        for c in range(a.clients):
            torch._foreach_copy_(state, base)
            opt = torch.optim.SGD(self.params, lr=a.lr, foreach=True)
            for _ in range(a.local_epochs):
                order = torch.randperm(a.batch, generator=gen).to(self.dev)
                for rows in order.split(a.minibatch):
                    loss = self.loss(self.x[c][rows], self.y[c][rows])
                    opt.zero_grad(set_to_none=True)
                    loss.backward()
                    opt.step()
            torch._foreach_add_(total, state, alpha=1 / a.clients)
        torch._foreach_copy_(state, total)


class Replay:
    """The update of a round alone: n directions of d elements."""

    def __init__(self, a, dev):
        self.a, self.gen = a, torch.Generator(dev)
        self.w = torch.zeros(a.d, device=dev)
        self.z = torch.empty_like(self.w)

    def round(self, rnd):
        for j in range(self.a.n):
            self.gen.manual_seed(rnd * 100_003 + j)
            self.w.add_(fill(self.z, self.a.dist, self.gen), alpha=1e-6 * (j + 1))


def timed(fn, rounds, dev):
    """Seconds of each round, after one that isn't timed."""
    sync = torch.cuda.synchronize if dev.type == "cuda" else lambda: None
    seconds = []
    for r in range(rounds + 1):
        sync()
        start = time.perf_counter()
        fn(r)
        sync()
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def arguments():
    def numbers(text):
        return [int(n) for n in text.split(",")]

    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--what", choices=["zo", "warmup", "replay"], default="zo")
    ap.add_argument("--mode", choices=["loop", "vmap"], default="loop", help="of zo")
    ap.add_argument("--model", choices=list(KINDS), default="mlp")
    ap.add_argument("--input", type=numbers, help="such as 64 or 3,32,32")
    ap.add_argument("--hidden", type=numbers, default=[64])
    ap.add_argument("--channels", type=numbers, default=[16, 32])
    ap.add_argument("--width", type=int, default=64)
    ap.add_argument("--norm", choices=["group", "batch"], default="group")
    ap.add_argument("--groups", type=int, default=2)
    ap.add_argument("--patch", type=int, default=4)
    ap.add_argument("--dim", type=int, default=512)
    ap.add_argument("--depth", type=int, default=6)
    ap.add_argument("--heads", type=int, default=8)
    ap.add_argument("--mlp", type=int, default=2048)
    ap.add_argument("--classes", type=int, default=10)
    ap.add_argument("--clients", type=int, default=4)
    ap.add_argument("--probes", type=int, default=1)
    ap.add_argument("--batch", type=int, default=32, help="samples of a client")
    ap.add_argument("--chunk", type=int, default=60, help="vmap: (client, probe) pairs at a time, each two models")
    ap.add_argument("--compile", action="store_true", help="loop and warmup: torch.compile")
    ap.add_argument("--channels-last", action="store_true")
    ap.add_argument("--dist", choices=list(GAIN), default="rademacher")
    ap.add_argument("--tau", type=float, default=0.75)
    ap.add_argument("--epsilon", type=float, default=1e-4)
    ap.add_argument("--lr", type=float, default=0.01)
    ap.add_argument("--local-epochs", type=int, default=1)
    ap.add_argument("--minibatch", type=int, default=64)
    ap.add_argument("--d", type=int, default=11_173_962)
    ap.add_argument("--n", type=int, default=150)
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--device", default="cpu")
    ap.add_argument("--threads", type=int, default=0)
    ap.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32")
    a = ap.parse_args()
    a.input = a.input or {"mlp": [64], "cnn": [1, 28, 28]}.get(a.model, [3, 32, 32])
    return a


def main():
    a = arguments()
    if a.threads:
        torch.set_num_threads(a.threads)
    dev = torch.device(a.device)
    if dev.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = a.precision == "tf32"
        torch.backends.cudnn.benchmark = True
    elif a.precision == "tf32":
        sys.exit("tf32 is a precision of CUDA")
    out = {
        "what": a.what,
        "device": torch.cuda.get_device_name(dev) if dev.type == "cuda" else "cpu",
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "load": os.getloadavg()[0],
        "precision": a.precision,
        "dist": a.dist,
        "compile": a.compile,
        "channels_last": a.channels_last,
    }
    if a.what == "replay":
        all_seconds = timed(Replay(a, dev).round, a.rounds, dev)
        seconds = statistics.median(all_seconds)
        out.update(d=a.d, n=a.n, seed_weights_per_s=a.n * a.d / seconds)
    else:
        rounds = Rounds(a, dev)
        way = rounds.warmup if a.what == "warmup" else rounds.zo_vmap if a.mode == "vmap" else rounds.zo_loop
        all_seconds = timed(way, a.rounds, dev)
        seconds = statistics.median(all_seconds)
        images = a.clients * a.batch * (a.local_epochs if a.what == "warmup" else 2 * a.probes)
        # A backward pass counts as two forward passes, as in `zowarmup bench`.
        work = images * (rounds.flop or 0) * (3 if a.what == "warmup" else 1)
        out.update(model=a.model, params=rounds.d, mode=a.mode if a.what == "zo" else "loop", clients=a.clients, batch=a.batch,
                   probes=a.probes, local_epochs=a.local_epochs, minibatch=a.minibatch, images_per_s=images / seconds,
                   gflop_per_s=work / seconds * 1e-9 if rounds.flop else None)
    out.update(seconds=seconds, all=all_seconds)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
