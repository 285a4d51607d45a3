"""Muon for matrices, AdamW for the rest (Jordan et al. 2024; Liu et al. 2025, "Muon is scalable
for LLM training", section 2.2, whose scale makes one rate serve both).

The momentum of a weight matrix is brought near the closest orthogonal one by a Newton-Schulz
iteration. A convolution is a matrix of outputs by inputs and taps, a grouped one is as many
matrices. ``torch.optim.Muon`` takes plain matrices only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_STEPS = 5
_QUINTIC = (3.4445, -4.7750, 2.0315)
_MOMENTUM = 0.95
_SCALE = 0.2  # root mean square of AdamW's updates
_LEAST_INPUTS = 5  # a depthwise convolution has no matrix to speak of


def orthogonal(matrices: Tensor) -> Tensor:
    """Near the nearest matrices whose singular values are all 1. Shape: (n, rows, columns)."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    one, three, five = _QUINTIC
    for _ in range(_STEPS):
        square = x @ x.mT
        x = one * x + (three * square + five * square @ square) @ x
    found: Tensor = x.mT if tall else x
    return found


def matrices_of(network: nn.Module) -> dict[str, int]:
    """Weights that Muon takes, by name, and into how many matrices each falls."""
    found = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            weight = module.weight
            if weight[0].numel() >= _LEAST_INPUTS and weight.requires_grad:
                groups = 1 if isinstance(module, nn.Linear) else module.groups
                own = f"{name}.weight" if name else "weight"
                if groups < weight.shape[0]:
                    found[own] = groups
    return found


class Muon(torch.optim.AdamW):
    """AdamW over all weights, but Muon where ``matrices_of`` says so; two groups of one rate."""

    def __init__(self, network: nn.Module, rate: float, weight_decay: float) -> None:
        matrices = matrices_of(network)
        named = list(network.named_parameters())
        rest = [weight for name, weight in named if name not in matrices]
        taken = [weight for name, weight in named if name in matrices]
        self._parts = [matrices[name] for name, _ in named if name in matrices]
        groups = [{"params": rest, "muon": False}, {"params": taken, "muon": True}]
        super().__init__(groups, lr=rate, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step of both."""
        taken = self.param_groups[1]
        held = [weight.grad for weight in taken["params"]]
        for weight in taken["params"]:
            weight.grad = None  # AdamW passes over it
        super().step(closure)
        for weight, parts, gradient in zip(taken["params"], self._parts, held, strict=True):
            weight.grad = gradient
            if gradient is not None:
                self._move(weight, gradient, parts, taken["lr"], taken["weight_decay"])

    def _move(self, weight: Tensor, grad: Tensor, parts: int, rate: float, decay: float) -> None:
        state = self.state[weight]
        if not state:
            state["step"] = torch.tensor(0.0)  # AdamW looks for it when it reads a state
            state["momentum"] = torch.zeros_like(weight)
        momentum = state["momentum"].lerp_(grad, 1 - _MOMENTUM)
        ahead = grad.lerp(momentum, _MOMENTUM)  # Nesterov's
        matrices = ahead.reshape(parts, weight.shape[0] // parts, -1)
        update = orthogonal(matrices) * (_SCALE * max(matrices.shape[1:]) ** 0.5)
        weight.mul_(1 - rate * decay).sub_(update.reshape(weight.shape), alpha=rate)
