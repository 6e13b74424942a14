"""Does in PyTorch what our benches do, under the same names: one line of JSON for each.

    python torch_peer.py gemm_f32_1024_nt conv_fwdbwd_n16_c17x17_9x13_k5_s2_p2 ddpm_train_step_b128_compile

The sizes are read from the name.
"""
import json
import math
import re
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


def gemm(name):
    sizes = integers(name.removeprefix("gemm_f32"))
    m, k, n = sizes if len(sizes) == 3 else sizes * 3
    a = torch.randn(k, m).t() if name.endswith("_tn") else torch.randn(m, k)
    b = torch.randn(n, k).t() if name.endswith("_nt") else torch.randn(k, n)
    return lambda: a @ b


def conv(name):
    """conv3x3_fwd_n128_64x64_28 or conv_fwdbwd_n16_c17x17_9x13_k5_s2_p2"""
    passes, sizes = re.fullmatch(r"conv(?:3x3)?_(fwd|fwdbwd)_(.*)", name).groups()
    sizes = integers(sizes)
    n, c, c_out, h, w, k, stride, padding = sizes if len(sizes) == 8 else (*sizes, sizes[-1], 3, 1, 1)
    x = torch.randn(n, c, h, w, requires_grad=True)
    weight = torch.randn(c_out, c, k, k, requires_grad=True)

    def forward():
        return F.conv2d(x, weight, stride=stride, padding=padding)

    gy = torch.randn_like(forward())
    return forward if passes == "fwd" else lambda: torch.autograd.grad(forward(), (x, weight), gy)


class ConvBlock(nn.Module):
    def __init__(self, channels, channels_out, time_dim=100):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(time_dim, channels), nn.ReLU(), nn.Linear(channels, channels))
        layers = []
        for c in (channels, channels_out):
            layers += [nn.Conv2d(c, channels_out, 3, padding=1), nn.BatchNorm2d(channels_out), nn.ReLU()]
        self.convs = nn.Sequential(*layers)

    def forward(self, x, v):
        return self.convs(x + self.mlp(v)[:, :, None, None])


def time_encoding(t):
    angle = t[:, None] / 10000 ** (torch.arange(100) / 100)
    return torch.where(torch.arange(100) % 2 == 0, angle.sin(), angle.cos())


class UNet(nn.Module):
    """The book's, as in steps/step09/unet.rs."""

    def __init__(self, channels=1, labels=False):
        super().__init__()
        self.label_emb = nn.Embedding(10, 100) if labels else None
        self.down1, self.down2, self.bot1 = ConvBlock(channels, 64), ConvBlock(64, 128), ConvBlock(128, 256)
        self.up2, self.up1 = ConvBlock(256 + 128, 128), ConvBlock(128 + 64, 64)
        self.out = nn.Conv2d(64, channels, 1)

    def forward(self, x, t, labels=None):
        def up(x):
            return F.interpolate(x, scale_factor=2, mode="bilinear")

        v = time_encoding(t)
        if labels is not None:
            v = v + self.label_emb(labels)
        x1 = self.down1(x, v)
        x2 = self.down2(F.max_pool2d(x1, 2), v)
        x = self.bot1(F.max_pool2d(x2, 2), v)
        x = self.up2(torch.cat([up(x), x2], 1), v)
        return self.out(self.up1(torch.cat([up(x), x1], 1), v))


class Block(nn.Module):
    """adaLN-Zero, as in steps/step11/dit.rs."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim, elementwise_affine=False, eps=1e-6)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(dim, 6 * dim))

    def forward(self, x, c):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c)[:, None].chunk(6, dim=-1)
        h = self.norm(x) * (1 + scale1) + shift1
        q, k, v = self.qkv(h).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        x = x + gate1 * self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + gate2 * self.mlp(self.norm(x) * (1 + scale2) + shift2)


class DiT(nn.Module):
    """The transformer of step 11 in its full form."""

    def __init__(self, dim=128, depth=6, heads=4, patch=4):
        super().__init__()
        self.patches = nn.Conv2d(1, dim, patch, stride=patch)
        self.positions = torch.randn(49, dim)
        self.time = nn.Sequential(nn.Linear(100, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.label = nn.Embedding(11, dim)
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, elementwise_affine=False, eps=1e-6)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(dim, 2 * dim))
        self.out = nn.Linear(dim, patch * patch)

    def forward(self, x, t, labels):
        c = self.time(time_encoding(t)) + self.label(labels)
        h = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        for block in self.blocks:
            h = block(h, c)
        shift, scale = self.modulation(c)[:, None].chunk(2, dim=-1)
        y = self.out(self.norm(h) * (1 + scale) + shift).reshape(-1, 7, 7, 4, 4)
        return y.permute(0, 1, 3, 2, 4).reshape(-1, 1, 28, 28)


BETA = torch.linspace(1e-4, 0.02, 1000)
ALPHA_BAR = torch.cumprod(1 - BETA, 0)


def train_step(name):
    """Random times and noise, forward, backward, Adam, and reading the loss: of the U-Net as in step 9, or of one with labels or a
    transformer on a straight path as in step 11."""
    # bf16 stands for autocast, with the layout that is faster then.
    layout = torch.channels_last if name.endswith(("_channels_last", "_bf16")) else torch.contiguous_format
    shape = re.search(r"_b(\d+)_(\d+)x(\d+)x(\d+)", name)
    n, c, h, w = map(int, shape.groups()) if shape else (128, 1, 28, 28)
    model = (DiT() if name.startswith("dit") else UNet(c, labels=name.startswith("flow"))).to(memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    forward = torch.compile(model) if name.endswith("_compile") else model
    x_1 = torch.rand(n, c, h, w).to(memory_format=layout)
    labels = torch.arange(n) % 10

    def step():
        optimizer.zero_grad()
        noise = torch.randn_like(x_1)
        if name.startswith("ddpm"):
            t = torch.randint(1, 1001, (n,))
            alpha_bar = ALPHA_BAR[t - 1][:, None, None, None]
            x_t, target, condition = alpha_bar.sqrt() * x_1 + (1 - alpha_bar).sqrt() * noise, noise, (t,)
        else:
            t = torch.rand(n)
            x_t = torch.lerp(noise, x_1, t[:, None, None, None])
            target, condition = x_1 - noise, (1000 * t, labels)
        with torch.autocast("cpu", enabled=name.endswith("_bf16")):
            y = forward(x_t, *condition)
        loss = F.mse_loss(y.float(), target)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def denoise_step(_name):
    model, x, t = UNet().eval(), torch.randn(20, 1, 28, 28), 500
    beta, alpha_bar, alpha_bar_before = BETA[t - 1], ALPHA_BAR[t - 1], ALPHA_BAR[t - 2]
    std = (beta * (1 - alpha_bar_before) / (1 - alpha_bar)).sqrt()

    def step():
        eps = model(x, torch.full((20,), t))
        return (x - beta / (1 - alpha_bar).sqrt() * eps) / (1 - beta).sqrt() + std * torch.randn_like(x)

    return step


class Encoder(nn.Module):
    def __init__(self, inputs, hidden, latent):
        super().__init__()
        self.linear = nn.Linear(inputs, hidden)
        self.linear_mu, self.linear_logvar = nn.Linear(hidden, latent), nn.Linear(hidden, latent)

    def forward(self, x):
        """mu and sigma"""
        h = F.relu(self.linear(x))
        return self.linear_mu(h), torch.exp(0.5 * self.linear_logvar(h))


def decoder(latent, hidden, *end):
    return nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), *end)


def draw(mu, sigma):
    return mu + sigma * torch.randn_like(sigma)


def twice_kl(mu, sigma, mean=0):
    return -torch.sum(1 + torch.log(sigma**2) - (mu - mean) ** 2 - sigma**2)


class Vae(nn.Module):
    """The book's of step 7."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Encoder(784, 200, 20), decoder(20, 200, nn.Linear(200, 784), nn.Sigmoid())

    def loss(self, x):
        mu, sigma = self.encoder(x)
        x_hat = self.decoder(draw(mu, sigma))
        return (F.mse_loss(x_hat, x, reduction="sum") + twice_kl(mu, sigma)) / len(x)


class Hvae(nn.Module):
    """The book's of step 8."""

    def __init__(self):
        super().__init__()
        self.encoder1, self.encoder2 = Encoder(784, 100, 20), Encoder(20, 100, 20)
        self.decoder1 = decoder(20, 100, nn.Linear(100, 784), nn.Sigmoid())
        self.decoder2 = decoder(20, 100, nn.Linear(100, 20))

    def loss(self, x):
        mu1, sigma1 = self.encoder1(x)
        z1 = draw(mu1, sigma1)
        mu2, sigma2 = self.encoder2(z1)
        mean, x_hat = self.decoder2(draw(mu2, sigma2)), self.decoder1(z1)
        return (F.mse_loss(x_hat, x, reduction="sum") + twice_kl(mu1, sigma1, mean) + twice_kl(mu2, sigma2)) / len(x)


def autoencoder(name):
    """Random images in order, forward, backward, Adam, and reading the loss."""
    steps, batch = integers(name)
    model, lr = (Hvae(), 1e-3) if name.startswith("hvae") else (Vae(), 3e-4)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    images = torch.rand(steps, batch, 784)

    def train():
        for x in images:
            optimizer.zero_grad()
            loss = model.loss(x)
            loss.backward()
            optimizer.step()
            loss.item()

    return train


WORK = {
    "gemm": gemm,
    "conv": conv,
    "ddpm_train_step": train_step,
    "flow_train_step": train_step,
    "dit_train_step": train_step,
    "ddpm_denoise_step": denoise_step,
    "vae": autoencoder,
    "hvae": autoencoder,
}


def integers(text):
    return [int(number) for number in re.findall(r"\d+", text)]


def measure(name):
    """By the rules of benches/harness: about a second, and short work repeated between two looks at the clock."""
    run = next(make for start, make in WORK.items() if name.startswith(start))(name)

    def seconds(batch):
        begin = time.perf_counter()
        for _ in range(batch):
            run()
        return (time.perf_counter() - begin) / batch

    seconds(2)
    once = seconds(1)
    batch = min(max(math.ceil(2e-4 / once), 1), 10_000)
    repeats = int(min(max(1 / (once * batch + 1.2e-3), 9), 60))
    times = sorted(seconds(batch) for _ in range(repeats))
    return {"name": name, "median_s": times[repeats // 2], "min_s": times[0], "max_s": times[-1], "repeats": repeats}


for name in sys.argv[1:]:
    with torch.set_grad_enabled(re.search("fwdbwd|train|vae", name) is not None):
        print(json.dumps(measure(name)), flush=True)
