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


class UNet(nn.Module):
    """The book's, as in steps/step09/unet.rs."""

    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.bot1 = ConvBlock(1, 64), ConvBlock(64, 128), ConvBlock(128, 256)
        self.up2, self.up1, self.out = ConvBlock(256 + 128, 128), ConvBlock(128 + 64, 64), nn.Conv2d(64, 1, 1)

    def forward(self, x, t):
        def up(x):
            return F.interpolate(x, scale_factor=2, mode="bilinear")

        angle = t[:, None] / 10000 ** (torch.arange(100) / 100)
        v = torch.where(torch.arange(100) % 2 == 0, angle.sin(), angle.cos())
        x1 = self.down1(x, v)
        x2 = self.down2(F.max_pool2d(x1, 2), v)
        x = self.bot1(F.max_pool2d(x2, 2), v)
        x = self.up2(torch.cat([up(x), x2], 1), v)
        return self.out(self.up1(torch.cat([up(x), x1], 1), v))


BETA = torch.linspace(1e-4, 0.02, 1000)
ALPHA_BAR = torch.cumprod(1 - BETA, 0)


def train_step(name):
    """Random times and noise, forward, backward, Adam, and reading the loss."""
    layout = torch.channels_last if name.endswith("_channels_last") else torch.contiguous_format
    model = UNet().to(memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    forward = torch.compile(model) if name.endswith("_compile") else model
    x_0 = torch.rand(128, 1, 28, 28).to(memory_format=layout)

    def step():
        optimizer.zero_grad()
        t = torch.randint(1, 1001, (128,))
        noise = torch.randn_like(x_0)
        alpha_bar = ALPHA_BAR[t - 1][:, None, None, None]
        x_t = alpha_bar.sqrt() * x_0 + (1 - alpha_bar).sqrt() * noise
        loss = F.mse_loss(forward(x_t, t), noise)
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
