"""Compares models of the course with the same ones in PyTorch, in both directions. See README.md."""

import copy
import json
import os
import subprocess
import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

TOLERANCE = 1e-5
REPOSITORY = Path(__file__).resolve().parents[2]
CARGO = ["cargo", "run", "--quiet", "--release", "--manifest-path", str(REPOSITORY / "Cargo.toml"), "--package", "steps"]


class Encoder(nn.Module):
    def __init__(self, inputs, hidden, latent):
        super().__init__()
        self.linear = nn.Linear(inputs, hidden)
        self.linear_mu = nn.Linear(hidden, latent)
        self.linear_logvar = nn.Linear(hidden, latent)

    def forward(self, x):
        h = F.relu(self.linear(x))
        return self.linear_mu(h), self.linear_logvar(h)


class Decoder(nn.Module):
    def __init__(self, latent, hidden, outputs):
        super().__init__()
        self.linear1 = nn.Linear(latent, hidden)
        self.linear2 = nn.Linear(hidden, outputs)

    def forward(self, z):
        return torch.sigmoid(self.linear2(F.relu(self.linear1(z))))


class VAE(nn.Module):
    def __init__(self, inputs, hidden, latent):
        super().__init__()
        self.encoder = Encoder(inputs, hidden, latent)
        self.decoder = Decoder(latent, hidden, inputs)

    def forward(self, x, eps):
        return self.decoder(self.encoder(x)[0])

    def loss(self, x, eps):
        mu, logvar = self.encoder(x)
        error = F.mse_loss(self.decoder(mu + torch.exp(0.5 * logvar) * eps), x, reduction="sum")
        return (error - torch.sum(1 + logvar - mu**2 - logvar.exp())) / len(x)


class ConvBlock(nn.Module):
    def __init__(self, channels, out, time_dim):
        super().__init__()
        layers = [nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]
        layers += [nn.Conv2d(out, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU()]
        self.convs = nn.Sequential(*layers)
        self.mlp = nn.Sequential(nn.Linear(time_dim, channels), nn.ReLU(), nn.Linear(channels, channels))

    def forward(self, x, v):
        return self.convs(x + self.mlp(v)[:, :, None, None])


class UNet(nn.Module):
    def __init__(self, width, labels=None, time_dim=100):
        super().__init__()
        w, self.time_dim = width, time_dim
        self.down1 = ConvBlock(1, w, time_dim)
        self.down2 = ConvBlock(w, 2 * w, time_dim)
        self.bot1 = ConvBlock(2 * w, 4 * w, time_dim)
        self.up2 = ConvBlock(6 * w, 2 * w, time_dim)
        self.up1 = ConvBlock(3 * w, w, time_dim)
        self.out = nn.Conv2d(w, 1, 1)
        if labels:
            self.label_emb = nn.Embedding(labels, time_dim)

    def forward(self, x, noise, t, labels=None):
        i = torch.arange(self.time_dim, dtype=torch.float64)
        angle = t[:, None] / 10000 ** (i / self.time_dim)
        v = torch.where(i % 2 == 0, angle.sin(), angle.cos()).float()
        if labels is not None:
            v = v + self.label_emb(labels)
        up = nn.Upsample(scale_factor=2, mode="bilinear")
        x1 = self.down1(x, v)
        x2 = self.down2(F.max_pool2d(x1, 2), v)
        x = up(self.bot1(F.max_pool2d(x2, 2), v))
        x = up(self.up2(torch.cat([x, x2], dim=1), v))
        return self.out(self.up1(torch.cat([x, x1], dim=1), v))

    def loss(self, x, noise, t, labels=None):
        return F.mse_loss(self(x, noise, t, labels), noise)


def vae(state):
    hidden, inputs = state["encoder.linear.weight"].shape
    return VAE(inputs, hidden, len(state["encoder.linear_mu.bias"]))


def unet(state):
    return UNet(len(state["down1.convs.0.bias"]), *(len(x) for name, x in state.items() if name == "label_emb.weight"))


def near_kink(model, inputs):
    """Whether a number in front of a ReLU is so near 0 that rounding decides on which side, and so on the gradients."""
    smallest, model = [1.0], copy.deepcopy(model)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.register_forward_hook(lambda _part, _inputs, y: smallest.append(float(y.detach().abs().min())))
    model.train().loss(**inputs)
    return min(smallest) < 2e-6


def inputs_for(model):
    if isinstance(model, VAE):
        return {"x": torch.rand(16, 784), "eps": torch.randn(16, len(model.encoder.linear_mu.bias))}
    inputs = {"x": torch.randn(8, 1, 28, 28), "noise": torch.randn(8, 1, 28, 28), "t": torch.randint(1, 1001, (8,))}
    return inputs | ({"labels": torch.randint(0, 10, (8,))} if hasattr(model, "label_emb") else {})


def save_checkpoint(path, model, optimizer):
    """As `steps/common/training/checkpoint.rs` writes it."""
    states = list(optimizer.state_dict()["state"].values())
    tensors = {f"model.{name}": x for name, x in model.state_dict().items()}
    for i, state in enumerate(states):
        tensors |= {f"adam.m.{i}": state["exp_avg"], f"adam.v.{i}": state["exp_avg_sq"]}
    save_file(tensors, path, {"meta": json.dumps({"adam_steps": [int(state["step"]) for state in states]})})


def load_optimizer(path, optimizer):
    """PyTorch's Adam in the state of a checkpoint."""
    with safe_open(path, "pt") as file:
        steps = json.loads(file.metadata()["meta"])["adam_steps"]
        moments = [(file.get_tensor(f"adam.m.{i}"), file.get_tensor(f"adam.v.{i}")) for i in range(len(steps))]
    state = optimizer.state_dict()
    for i, (step, (m, v)) in enumerate(zip(steps, moments)):
        state["state"][i] = {"step": torch.tensor(float(step)), "exp_avg": m, "exp_avg_sq": v}
    optimizer.load_state_dict(state)


def compare(name, checkpoint, model, optimizer):
    """Whether both sides calculate the same from one checkpoint, which `model` and `optimizer` are in the state of."""
    inputs, lr = inputs_for(model), optimizer.param_groups[0]["lr"]
    while near_kink(model, inputs):
        print(f"{name}: drawing other inputs, without a number within 2e-6 of the kink of a ReLU")
        inputs = inputs_for(model)
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{file}.safetensors" for file in ("inputs", "outputs")]
        save_file(inputs, files[0], {"meta": json.dumps({"lr": lr})})
        kind = "vae" if isinstance(model, VAE) else "unet"
        subprocess.run([*CARGO, "--example", "interop", "--", kind, str(checkpoint), *files], check=True)
        ours = load_file(files[1])
    model.eval()
    theirs = {"output": model(**inputs).detach()}
    model.train()
    loss = model.loss(**inputs)
    theirs["loss"] = loss.detach()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    theirs |= {f"model.{key}": x for key, x in model.state_dict().items()}
    in_rounding = ("convs.0.bias", "convs.3.bias")
    for i, (key, parameter) in enumerate(model.named_parameters()):
        state = optimizer.state[parameter]
        theirs |= {f"adam.m.{i}": state["exp_avg"], f"adam.v.{i}": state["exp_avg_sq"]}
        if key.endswith(in_rounding):
            for left_out in (f"model.{key}", f"adam.m.{i}", f"adam.v.{i}"):
                del theirs[left_out], ours[left_out]
    assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
    # Of the largest number in the tensor; of weights, where 1e-5 is a hundredth of a step of Adam, as it is.
    scale = {key: x.abs().max().clamp(min=1.0 if key.startswith("model.") else 1e-30) for key, x in theirs.items()}
    errors = {key: float((ours[key] - x).abs().max() / scale[key]) for key, x in theirs.items()}
    worst = max(errors, key=errors.get)
    print(f"{name}: {len(errors)} tensors, output {errors['output']:.1e}, loss {errors['loss']:.1e}, worst {worst} {errors[worst]:.1e}")
    assert errors[worst] <= TOLERANCE, {key: error for key, error in errors.items() if error > TOLERANCE}


def main():
    torch.manual_seed(0)
    programs = [
        (vae, "step07", "vae"),
        (unet, "step09", "diffusion_model --ema 0"),
        (unet, "step10", "conditional --ema 0"),
    ]
    for build, step, program in programs:
        with tempfile.TemporaryDirectory() as folder:
            flags = f"{program} --data built-in --epochs 2 --quiet --out {folder}".split()
            subprocess.run([*CARGO, "--bin", step, "--", *flags], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "TSUKURU_SMOKE": "1"})
            run = Path(folder) / step / program.split()[0]
            state = load_file(run / "model.safetensors")
            model = build(state)
            model.load_state_dict(state, strict=True)
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
            load_optimizer(run / "checkpoint.safetensors", optimizer)
            compare(f"{step} {program}, trained here", run / "checkpoint.safetensors", model, optimizer)

            model = build(state)
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
            for _ in range(5):
                optimizer.zero_grad()
                model.loss(**inputs_for(model)).backward()
                optimizer.step()
            save_checkpoint(run / "torch.safetensors", model, optimizer)
            compare(f"{step} {program}, trained in PyTorch", run / "torch.safetensors", model, optimizer)


if __name__ == "__main__":
    main()
