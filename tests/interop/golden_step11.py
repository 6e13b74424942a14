"""Writes flow_unet, flow_dit and objectives.safetensors into tests/golden: step 11's losses and gradients in PyTorch, in f64."""

import json
import math

import torch
from interop import REPOSITORY, UNet
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
CHANNELS, SIDE, LABELS = 1, 8, 10
LR, STEPS, BATCH, SNR_GAMMA = 1e-3, 10, 6, 5.0


def rounded(x):
    return x.float().double()  # stored as F32


class Attention(nn.Module):
    """adaLN-Zero: attention and a perceptron, modulated and gated by the condition c."""

    def __init__(self, dim, heads):
        super().__init__()
        self.attn = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(dim, 6 * dim))
        self.norm = nn.LayerNorm(dim, elementwise_affine=False, eps=1e-6)

    def forward(self, x, c):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(c)[:, None].chunk(6, dim=-1)
        h = self.norm(x) * (1 + scale1) + shift1
        x = x + gate1 * self.attn(h, h, h, need_weights=False)[0]
        return x + gate2 * self.mlp(self.norm(x) * (1 + scale2) + shift2)


def sines(t, dim):
    """The book's encoding of times, as in the U-Net."""
    i = torch.arange(dim)
    angle = t[:, None] / 10000 ** (i / dim)
    return torch.where(i % 2 == 0, angle.sin(), angle.cos())


def positions(rows, columns, dim):
    """Sines and cosines of the row, then of the column."""
    frequencies = 10000.0 ** -(torch.arange(dim // 4) / (dim // 4))
    encode = lambda place: torch.cat([(place[:, None] * frequencies).sin(), (place[:, None] * frequencies).cos()], dim=1)
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return torch.cat([encode(row.flatten()), encode(column.flatten())], dim=1)


class Named(nn.Module):
    """A module under a name."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)


class DiT(nn.Module):
    def __init__(self, dim, depth, heads, patch):
        super().__init__()
        self.patch = patch
        self.x_embedder = Named(proj=nn.Conv2d(CHANNELS, dim, patch, stride=patch))
        self.t_embedder = Named(mlp=nn.Sequential(nn.Linear(100, dim), nn.SiLU(), nn.Linear(dim, dim)))
        self.y_embedder = Named(embedding_table=nn.Embedding(LABELS + 1, dim))
        self.blocks = nn.ModuleList(Attention(dim, heads) for _ in range(depth))
        self.final_layer = Named(
            adaLN_modulation=nn.Sequential(nn.SiLU(), nn.Linear(dim, 2 * dim)), linear=nn.Linear(dim, patch * patch * CHANNELS)
        )
        self.norm = nn.LayerNorm(dim, elementwise_affine=False, eps=1e-6)

    def forward(self, x, t, labels):
        tokens = self.x_embedder.proj(x).flatten(2).transpose(1, 2)
        side = SIDE // self.patch
        h = tokens + positions(side, side, tokens.shape[2])
        c = self.t_embedder.mlp(sines(1000 * t, 100)) + self.y_embedder.embedding_table(labels)
        for block in self.blocks:
            h = block(h, c)
        shift, scale = self.final_layer.adaLN_modulation(c)[:, None].chunk(2, dim=-1)
        y = self.final_layer.linear(self.norm(h) * (1 + scale) + shift)
        y = y.reshape(len(x), side, side, self.patch, self.patch, CHANNELS)
        return torch.einsum("nhwpqc->nchpwq", y).reshape(x.shape)


class FlowUNet(UNet):
    """Times from 0 to 1; the label LABELS stands for none."""

    def forward(self, x, t, labels):
        has = (labels < LABELS).double()[:, None]
        v = sines(1000 * t, 100) + has * self.label_emb(labels.clamp(max=LABELS - 1))
        up = nn.Upsample(scale_factor=2, mode="bilinear")
        pool = nn.MaxPool2d(2)
        x1 = self.down1(x, v)
        x2 = self.down2(pool(x1), v)
        h = up(self.bot1(pool(x2), v))
        h = up(self.up2(torch.cat([h, x2], dim=1), v))
        return self.out(self.up1(torch.cat([h, x1], dim=1), v))


def alpha_sigma(path, t):
    """t (N) from noise at 0 to data at 1; the schedules run over 1000 timesteps the other way."""
    if path == "straight":
        return t, 1 - t
    if path == "linear":
        betas = torch.linspace(1e-4, 0.02, 1000)
    else:
        f = torch.cos((torch.arange(1001) / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2
        betas = (1 - f[1:] / f[:-1]).clamp(max=0.999)
    alpha_bar = torch.cat([torch.ones(1), (1 - betas).cumprod(0)])[((1 - t) * 1000).round().long()]
    return alpha_bar.sqrt(), (1 - alpha_bar).sqrt()


def objective_loss(model, objective, path, min_snr, noise, data, t, labels):
    """The weights are of each objective as Hang et al. (2023) have them."""
    alpha, sigma = (x[:, None, None, None] for x in alpha_sigma(path, t))
    target = {"noise": noise, "data": data, "v": alpha * noise - sigma * data, "velocity": data - noise}[objective]
    error = (model(alpha * data + sigma * noise, t, labels) - target) ** 2
    snr = (alpha / sigma) ** 2
    capped = snr.clamp(max=SNR_GAMMA)
    weight = {"noise": capped / snr, "data": capped, "v": capped / (snr + 1)} if min_snr else {}
    return (weight.get(objective, 1.0) * error).mean()


def inputs():
    """Times lie on the timesteps of the schedules, and not at the ends."""
    noise, data = rounded(torch.randn(BATCH, CHANNELS, SIDE, SIDE)), rounded(torch.rand(BATCH, CHANNELS, SIDE, SIDE) * 2 - 1)
    t = torch.tensor([0.003, 0.25, 0.5, 0.625, 0.875, 0.984])
    labels = torch.tensor([3, LABELS, 0, 9, LABELS, 5])
    return {"x_0": noise, "x_1": data, "t": t, "labels": labels}


def stored(batch):
    return {f"input.{name}": x.float() if name.startswith("x") else x for name, x in batch.items()}


def save(name, tensors, meta):
    save_file({key: x.contiguous() for key, x in tensors.items()}, REPOSITORY / f"tests/golden/{name}.safetensors", {"meta": json.dumps(meta)})


def draw(model):
    """Weights of the size that PyTorch draws; those that begin as zeros get some, too."""
    for parameter in model.parameters():
        parameter.data = rounded(parameter.data + 0.02 * torch.randn(parameter.shape))
    return model


def train(name, model, meta):
    batch = inputs()
    out = stored(batch) | {f"init.{key}": x.float() if x.is_floating_point() else x.clone() for key, x in draw(model).state_dict().items()}
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=LR), []
    for step in range(STEPS):
        loss = objective_loss(model, "velocity", "straight", False, *batch.values())
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            out |= {f"grad.{key}": parameter.grad.clone() for key, parameter in model.named_parameters()}
        optimizer.step()
    out |= {f"after10.{key}": x for key, x in model.state_dict().items()}
    save(name, out, meta | {"lr": LR, "losses": losses})


def main():
    train("flow_unet", FlowUNet(2, LABELS), {"width": 2})
    size = {"dim": 8, "depth": 2, "heads": 2, "patch": 2}
    train("flow_dit", DiT(**size), size | {"side": SIDE})

    model, batch = draw(DiT(8, 1, 2, 4)), inputs()
    out = stored(batch) | {f"init.{key}": x.float() for key, x in model.state_dict().items()}
    losses = {}
    for objective in ("noise", "data", "v", "velocity"):
        for path in ("linear", "cosine", "straight"):
            for min_snr in (False, True):
                if (path == "straight") != (objective == "velocity") or (min_snr and objective == "velocity"):
                    continue
                name = f"{objective}_{path}" + ("_min_snr" if min_snr else "")
                model.zero_grad()
                loss = objective_loss(model, objective, path, min_snr, *batch.values())
                loss.backward()
                losses[name] = loss.item()
                out |= {f"{name}.{key}": parameter.grad.clone() for key, parameter in model.named_parameters()}
    save("objectives", out, {"dim": 8, "depth": 1, "heads": 2, "patch": 4, "side": SIDE, "objectives": losses})


if __name__ == "__main__":
    main()
