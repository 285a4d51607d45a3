"""Short equal runs of ``activity`` and its variants: what ``docs/training.md`` tables.

``python -m streamseg.training.explore VARIANT --cache DIR --runs DIR`` trains one variant from
nothing, with the seed, batches, shards and steps of every other, and prints its validation. A
variant that earns its place moves into ``activity``; the others are kept to be run again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click
import torch
from torch import Tensor, nn

from streamseg.training import fronts, recipes, render, validation
from streamseg.training.activity import Activity, Shape
from streamseg.training.fit import Material, Plan, Run
from streamseg.training.remix import Remixed
from streamseg.training.streaming import macs_per_s

_FRAMES_PER_S = 25.0  # after the stride
_NARROW = (20, 32, 48, 64)


class Recurrent(Activity):
    """A gated recurrent unit of 56 in place of the two blocks before the confirmed head."""

    def __init__(self) -> None:
        super().__init__(Shape(channels=_NARROW, late=()))
        width = self.shape.width
        self.unit = nn.GRU(width, 56, batch_first=True)
        self.mix = nn.Conv1d(width + 56, width, 1)
        *before, past = self.state_shapes
        self.state_shapes = (*before, (56,), past)

    def _longer(self, x: Tensor, pending: list[Tensor], after: list[Tensor]) -> Tensor:
        heard, last = self.unit(x.transpose(1, 2), pending.pop(0).unsqueeze(0))
        after.append(last.squeeze(0))
        return torch.relu(x + self.mix(torch.cat((x, heard.transpose(1, 2)), dim=1)))


class Memory(Activity):
    """The two late blocks, then exponential means of 32 channels over 1, 4 and 16 s beside them.

    A mean over the frames of a call is a product with a triangular matrix of decays, so that a
    stream needs one number a channel and time as its state.
    """

    def __init__(self) -> None:
        super().__init__(Shape(channels=_NARROW))
        self.times_s = (1.0, 4.0, 16.0)
        self.pick = nn.Conv1d(self.shape.width, 32, 1)
        self.mix = nn.Conv1d(32 * len(self.times_s), self.shape.width, 1)
        *before, past = self.state_shapes
        self.state_shapes = (*before, (32, len(self.times_s)), past)

    def _longer(self, x: Tensor, pending: list[Tensor], after: list[Tensor]) -> Tensor:
        x = super()._longer(x, pending, after)
        state = pending.pop(0)
        picked = self.pick(x)
        steps = torch.arange(x.shape[2], device=x.device)
        means, last = [], []
        for index, time_s in enumerate(self.times_s):
            keep = math.exp(-1 / (time_s * _FRAMES_PER_S))
            age = steps[:, None] - steps[None, :]
            weights = torch.where(age >= 0, (1 - keep) * keep ** age.clamp(min=0).float(), 0.0)
            before = state[:, :, index, None] * keep ** (steps + 1).float()
            mean = picked @ weights.T.to(picked.dtype) + before.to(picked.dtype)
            means.append(mean)
            last.append(mean[:, :, -1].float())
        after.append(torch.stack(last, dim=2))
        return torch.relu(x + self.mix(torch.cat(means, dim=1)))


class Pcen(Activity):
    """Per-channel energy normalisation (Wang et al. 2017, equation 2) in place of the first plane,
    and no means of the past.

    Gain, offset and root are trained, one a band; the smoother is fixed at 0.4 s and cut off after
    2 s, so that it is a convolution with a state.
    """

    def __init__(self) -> None:
        super().__init__(Shape(channels=_NARROW, pasts=()))
        bands = fronts.ACTIVITY.n_mels
        self.gain = nn.Parameter(torch.full((bands,), 2.2))
        self.offset = nn.Parameter(torch.full((bands,), 0.7))
        self.root = nn.Parameter(torch.zeros(bands))
        taps = torch.exp(-torch.arange(99, -1, -1) * 0.02 / 0.4)
        self.register_buffer("taps", taps / taps.sum())
        self.state_shapes = (*self.state_shapes, (99, bands))
        self.keeps_past = True

    def _seen(self, features: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor | None]:
        assert past is not None
        power = 10 ** (features.float().clamp(min=-100) / 10 + 5)
        with_past = torch.cat((past, power), dim=1)
        rows = with_past.transpose(1, 2).flatten(0, 1).unsqueeze(1)
        with torch.autocast(features.device.type, enabled=False):
            smooth = nn.functional.conv1d(rows, self.get_buffer("taps")[None, None])
            smooth = smooth.reshape(len(power), -1, power.shape[1]).transpose(1, 2)
            gained = power * (smooth + 1e-4) ** -torch.sigmoid(self.gain)
            offset, root = self.offset.exp(), torch.sigmoid(self.root)
            flat = (gained + offset) ** root - offset**root
        planes, _ = super()._seen(features, None)
        return torch.cat((flat.unsqueeze(1), planes[:, 1:]), dim=1), with_past[:, -99:]


def _shaped(**sizes: Any) -> Callable[[], Activity]:
    """A variant that another ``Shape`` makes."""
    return lambda: Activity(Shape(**sizes))


VARIANTS: dict[str, Callable[[], Activity]] = {
    "reference": Activity,
    "narrow": _shaped(channels=_NARROW),
    "two_pasts": _shaped(channels=_NARROW, pasts=(25, 150)),
    "one_past": _shaped(channels=_NARROW, pasts=(50,)),
    "no_past": _shaped(channels=_NARROW, pasts=()),
    "recurrent": Recurrent,
    "memory": Memory,
    "pcen": Pcen,
}


@click.command()
@click.argument("variant", type=click.Choice(list(VARIANTS)))
@click.option("--cache", required=True, type=click.Path(path_type=Path), help="As in training.")
@click.option("--runs", required=True, type=click.Path(path_type=Path), help="Logs, checkpoints.")
@click.option("--steps", default=1200, show_default=True)
@click.option("--rate", default=6e-3, show_default=True)
@click.option("--optimizer", default="muon", type=click.Choice(["muon", "adamw"]))
@click.option("--threads", default=1, show_default=True)
def main(
    variant: str,
    cache: Path,
    runs: Path,
    steps: int,
    rate: float,
    optimizer: Literal["muon", "adamw"],
    threads: int,
) -> None:
    """Train VARIANT for a few minutes from nothing and print its validation."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    network = VARIANTS[variant]()
    spec = fronts.ACTIVITY
    numbers = range(0, render.SHARDS, 2)
    material = Material.read(cache / "shards", "activity", spec, numbers)
    half = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    plan = Plan(
        steps=steps,
        batch=8,
        crop_s=8.0,
        rate=rate,
        optimizer=optimizer,
        check_every=steps,
        averaging=0.98,
        half=half,
    )
    cases = validation.read_cases(cache / "validation_varied")
    run = Run(network, plan, runs / variant)
    run.train(
        Remixed.of(material, numbers, 0, made=60),
        recipes.LOSSES["activity"],
        recipes.checker(cases),
    )
    cost = macs_per_s(network, spec.n_mels, 1 / spec.hop_s) / 1e6
    size = network.parameters_count()
    click.echo(f"{variant}: {size} parameters, {cost:.1f} MMAC/s, {run.spent_s:.0f} s")
    click.echo((runs / variant / "log.csv").read_text())


if __name__ == "__main__":
    main()
