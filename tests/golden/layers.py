"""Writes layers.safetensors: what PyTorch's layers and optimizers make of small inputs, in f64. See README.md."""

import torch
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
out = {}


def normal(*shape):
    return torch.randn(*shape).float().double()  # inputs are stored as F32


def case(name, layer, *shapes):
    """A layer with drawn weights: its value, gradients of inputs and parameters, and gradients of gradients."""
    for p in layer.parameters():
        p.data = normal(*p.shape)
    for key, state in layer.state_dict().items():
        out[f"{name}.state.{key}"] = state.clone() if state.dtype == torch.int64 else state.float()
    xs = [normal(*shape).requires_grad_() for shape in shapes]
    y = layer(*xs)
    y = y[0] if isinstance(y, tuple) else y
    named = [(f"x{k}", x) for k, x in enumerate(xs)] + list(layer.named_parameters())
    tensors = [tensor for _, tensor in named]
    w = normal(*y.shape)
    gs = torch.autograd.grad((w * y).sum(), tensors, create_graph=True)
    vs = [normal(*g.shape) for g in gs]
    along = sum((g * v).sum() for g, v in zip(gs, vs))
    hs = torch.autograd.grad(along, tensors, materialize_grads=True) if along.requires_grad else [0 * t for t in tensors]
    out[f"{name}.w"], out[f"{name}.y"] = w.float(), y
    for (of, tensor), g, v, h in zip(named, gs, vs, hs):
        if of.startswith("x"):
            out[f"{name}.{of}"] = tensor.float()
        out[f"{name}.g.{of}"], out[f"{name}.v.{of}"], out[f"{name}.h.{of}"] = g, v.float(), h
    for key, buffer in layer.named_buffers():
        out[f"{name}.after.{key}"] = buffer


class SelfAttention(nn.MultiheadAttention):
    """One input as query, key and value."""

    def forward(self, x):
        return super().forward(x, x, x)


case("conv2d", nn.Conv2d(2, 3, 3, stride=2, padding=1), (2, 2, 5, 4))
case("conv_transpose2d", nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1), (2, 2, 3, 4))
case("linear", nn.Linear(3, 2), (2, 4, 3))
case("batch_norm", nn.BatchNorm2d(3), (4, 3, 2, 2))
norm = nn.BatchNorm2d(3).eval()
norm.running_mean, norm.running_var = normal(3), normal(3).exp().float().double()
case("batch_norm_eval", norm, (4, 3, 2, 2))
case("layer_norm", nn.LayerNorm(5), (2, 3, 5))
case("layer_norm_plain", nn.LayerNorm(5, elementwise_affine=False), (2, 3, 5))
case("group_norm", nn.GroupNorm(2, 4), (2, 4, 3, 2))
case("self_attention", nn.MultiheadAttention(6, 3, batch_first=True), (2, 4, 6), (2, 4, 6), (2, 4, 6))
case("cross_attention", nn.MultiheadAttention(6, 2, batch_first=True), (2, 3, 6), (2, 5, 6), (2, 5, 6))
case("packed_attention", SelfAttention(6, 2, batch_first=True), (2, 4, 6))
case("relu", nn.ReLU(), (3, 4))
case("leaky_relu", nn.LeakyReLU(0.2), (3, 4))
case("sigmoid", nn.Sigmoid(), (3, 4))
case("tanh", nn.Tanh(), (3, 4))
case("hardtanh", nn.Hardtanh(-0.5, 0.75), (3, 4))
case("silu", nn.SiLU(), (3, 4))
case("gelu", nn.GELU(), (3, 4))
case("softplus", nn.Softplus(), (3, 4))
case("softmax", nn.Softmax(1), (3, 4))
case("log_softmax", nn.LogSoftmax(0), (3, 4))
case("max_pool2d", nn.MaxPool2d(3, 2), (2, 2, 6, 5))
case("avg_pool2d", nn.AvgPool2d(2, 1), (2, 2, 4, 5))
case("zero_pad2d", nn.ZeroPad2d((1, 2, 0, 3)), (2, 2, 2, 3))
case("upsample_nearest", nn.Upsample(scale_factor=3, mode="nearest"), (2, 2, 2, 3))
case("upsample_bilinear", nn.Upsample(scale_factor=2, mode="bilinear"), (2, 2, 2, 3))
case("flatten", nn.Flatten(), (2, 3, 2))
block = nn.Sequential(nn.ConvTranspose2d(2, 4, 2, stride=2), nn.GroupNorm(2, 4), nn.SiLU(), nn.Conv2d(4, 1, 3, padding=1))
case("sequential", nn.Sequential(block, nn.Flatten(), nn.Linear(24, 2)), (2, 2, 2, 3))


class Tied(nn.Module):
    """One weight under two names, and one of its own. The loss is sum(a b x) + sum(c^2), where a and b are the same."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor([1.0, 2.0]))
        self.b = self.a
        self.c = nn.Parameter(torch.tensor([-3.0]))

    def loss(self):
        return (self.a * self.b).sum() + (self.c**2).sum()


def train(name, optimizer, max_norm=None):
    """Five steps; the weights after each, and their moving average."""
    model = Tied()
    optimizer = optimizer(model.parameters())
    follow = lambda average, x, n: average + (1 - min(0.3, (1 + n) / (10 + n))) * (x - average)
    average = AveragedModel(model, avg_fn=follow)
    average.update_parameters(model)  # the first call copies
    for n in range(1, 6):
        optimizer.zero_grad()
        model.loss().backward()
        if max_norm:
            out[f"{name}.norm{n}"] = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        average.update_parameters(model)
        for key, x in model.state_dict().items():
            out[f"{name}.{key}{n}"] = x.clone()
        for key, x in average.module.state_dict().items():
            out[f"{name}.average.{key}{n}"] = x.clone()


train("sgd", lambda parameters: torch.optim.SGD(parameters, lr=0.1))
train("adam", lambda parameters: torch.optim.Adam(parameters, lr=0.1))
train("adamw", lambda parameters: torch.optim.AdamW(parameters, lr=0.1))
train("clipped", lambda parameters: torch.optim.SGD(parameters, lr=0.1), max_norm=6.5)

save_file({name: tensor.detach().contiguous().clone() for name, tensor in out.items()}, "layers.safetensors")
