"""The training loop: seeded, resumable, with averaged weights, early stopping and a CSV log.

Called by the commands of ``__main__``. One run lives in one folder: ``checkpoint.pt`` (everything
needed to go on), ``best.pt`` (the averaged weights that scored best), ``log.csv``.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from streamseg.models.card import FrontEndSpec
from streamseg.training import fronts, render
from streamseg.training.muon import Muon
from streamseg.training.streaming import Network


@dataclass(frozen=True, slots=True)
class Plan:
    """Length and pace of a run; a step is one batch."""

    steps: int
    batch: int = 16
    crop_s: float = 16.0
    late_crop_s: float | None = None
    """Length of the crops from step ``late_from`` on: short ones first, more of them an hour."""
    late_from: int = 0
    rate: float = 2e-3
    weight_decay: float = 1e-4
    optimizer: Literal["adamw", "sgd", "muon"] = "adamw"
    momentum: float = 0.9
    """Nesterov momentum of ``sgd``."""
    averaging: float = 0.998
    """Decay of the averaged weights a step."""
    check_every: int = 250
    """Steps between validations."""
    patience: int = 12
    """Validations without a better score after which the run stops."""
    seed: int = 0
    half: bool = False
    """Compute convolutions in bfloat16: a third faster where the processor has it."""

    def crop_at(self, step: int) -> float:
        """Seconds of a crop at this step."""
        late_s = self.late_crop_s
        return self.crop_s if late_s is None or step < self.late_from else late_s


@dataclass(frozen=True, slots=True)
class Material:
    """All shards in memory. Shape: features (n, frames, bands) float16, truth (n, cells, 3)."""

    features: NDArray[np.float16]
    truth: NDArray[np.uint8]
    spec: FrontEndSpec

    @classmethod
    def read(
        cls, folder: Path, front: str, spec: FrontEndSpec, numbers: Iterable[int] | None = None
    ) -> Material:
        """Read the finished shards of ``folder``, all of them or those of these ``numbers``."""
        wanted = {render.shard_path(folder, number) for number in numbers or ()}
        paths = [p for p in render.shard_files(folder) if numbers is None or p in wanted]
        shards = [render.read_shard(path) for path in paths]
        if not shards:
            raise FileNotFoundError(f"expected rendered shards in {folder}, found none")
        features = np.concatenate([shard.features[front] for shard in shards])
        return cls(features, np.concatenate([shard.truth for shard in shards]), spec)

    def batches(self, plan: Plan, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        """See ``batches``."""
        return batches(self, plan, first, last)

    def frames_at(self, plan: Plan, step: int) -> int:
        """Feature frames of a crop at this step, at most those of a programme."""
        length: int = self.features.shape[1]
        return min(round(plan.crop_at(step) / self.spec.hop_s), length)

    def starts(self, random: np.random.Generator, count: int, frames: int) -> NDArray[np.int64]:
        """First feature frames of so many crops, multiples of 4, anywhere in a programme."""
        return random.integers(0, (self.features.shape[1] - frames) // 4 + 1, count) * 4

    def crops(
        self, rows: NDArray[np.int64], starts: NDArray[np.int64], frames: int
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Features (crops, frames, bands) and the truth of each frame (crops, frames, 3)."""
        taken = starts[:, None] + np.arange(frames)
        cells = fronts.cell_of_frames(self.spec, self.features.shape[1])[taken]
        cells = np.minimum(cells, self.truth.shape[1] - 1)
        features = self.features[rows[:, None], taken].astype(np.float32)
        return features, self.truth[rows[:, None], cells]


class Stock(Protocol):
    """What a run trains on."""

    def batches(self, plan: Plan, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Features (batch, frames, bands) and what the loss needs of their truth, for the steps
        ``first`` to ``last - 1``; the same for the same seed and step."""


Loss = Callable[[Network, Tensor, Tensor], Tensor]
"""(network, features (batch, frames, bands), truth as the stock gives it) to a scalar."""
Check = Callable[[Network], dict[str, float]]
"""Validation: named figures, of which ``score`` decides."""


def batches(
    material: Material, plan: Plan, first: int, last: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Random crops with the truth of each feature frame, the same for the same seed and step."""
    count = len(material.features)
    for step in range(first, last):
        frames = material.frames_at(plan, step)
        random = np.random.default_rng([plan.seed, 3, step])
        # Sampling without repetition inside an epoch.
        per_epoch = max(1, count // plan.batch)
        order = np.random.default_rng([plan.seed, 4, step // per_epoch]).permutation(count)
        at = step % per_epoch * plan.batch
        rows = order[at : at + plan.batch]
        starts = material.starts(random, len(rows), frames)
        features, truth = material.crops(rows, starts, frames)
        if material.spec.norm is not None:
            features = _normalised_crops(material, rows, starts, frames, random)
        yield torch.from_numpy(features), torch.from_numpy(truth)


def _normalised_crops(
    material: Material,
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    frames: int,
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """Crops normalised as at run time: half of the streams begin at the crop, half before it."""
    crops = []
    for row, start in zip(rows, starts, strict=True):
        begin = start if random.random() < 0.5 else 0
        raw = material.features[row, begin : start + frames].astype(np.float32)
        crops.append(fronts.normalised(material.spec, raw)[start - begin :])
    return np.stack(crops)


def disturb(features: Tensor, random: torch.Generator, floor_db: float) -> Tensor:
    """Cheap augmentation of decibels: level, a smooth equaliser, masks in frequency and time."""
    batch, frames, bands = features.shape
    level = torch.empty(batch, 1, 1).uniform_(-8, 8, generator=random)
    knots = torch.randn(batch, 1, 6, generator=random) * 2.5
    curve = torch.nn.functional.interpolate(knots, bands, mode="linear", align_corners=True)
    result = features + level + curve
    where = torch.arange(bands)
    for _ in range(2):
        width = torch.randint(0, bands // 8, (batch, 1), generator=random)
        low = torch.randint(0, bands, (batch, 1), generator=random)
        masked = (where >= low) & (where < low + width)
        fill = result.mean(dim=(1, 2), keepdim=True).expand(batch, frames, bands)
        result = torch.where(masked[:, None, :], fill, result)
    when = torch.arange(frames)
    width = torch.randint(0, max(2, frames // 60), (batch, 1), generator=random)
    start = torch.randint(0, frames, (batch, 1), generator=random)
    masked = (when >= start) & (when < start + width)
    result = torch.where(masked[:, :, None], torch.tensor(floor_db), result)
    return result.clamp(min=floor_db)


def learning_rate(plan: Plan, step: int) -> float:
    """A short rise, then half a cosine down to 0 at the end of the plan."""
    rise = min(1.0, (step + 1) / max(1.0, 0.05 * plan.steps))
    return plan.rate * rise * 0.5 * (1 + math.cos(math.pi * step / plan.steps))


def optimizer_of(network: Network, plan: Plan) -> torch.optim.Optimizer:
    """The optimizer that a plan names, over all weights."""
    weights = network.parameters()
    if plan.optimizer == "sgd":
        return torch.optim.SGD(
            weights, plan.rate, plan.momentum, weight_decay=plan.weight_decay, nesterov=True
        )
    if plan.optimizer == "muon":
        return Muon(network, plan.rate, plan.weight_decay)
    return torch.optim.AdamW(weights, lr=plan.rate, weight_decay=plan.weight_decay)


class Run:
    """One training run in one folder; ``train`` goes on where the last checkpoint stands."""

    def __init__(self, network: Network, plan: Plan, folder: Path, device: str = "cpu") -> None:
        self.device = device
        self.network = network = network.to(device)
        self.plan = plan
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        swa = torch.optim.swa_utils
        average = swa.get_ema_multi_avg_fn(plan.averaging)  # type: ignore[no-untyped-call]
        self.averaged = swa.AveragedModel(network, multi_avg_fn=average, use_buffers=True)
        self.optimizer = optimizer_of(network, plan)
        self.step = 0
        self.best = -1.0
        self.stale = 0
        self.spent_s = 0.0
        self._resume()

    @property
    def _average(self) -> Network:
        module = self.averaged.module
        assert isinstance(module, Network)
        return module

    @property
    def _checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def _resume(self) -> None:
        if not self._checkpoint.exists():
            return
        kept = torch.load(self._checkpoint, weights_only=True, map_location=self.device)
        self.network.load_state_dict(kept["network"])
        self.averaged.load_state_dict(kept["averaged"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.step, self.best, self.stale = kept["step"], kept["best"], kept["stale"]
        self.spent_s = kept["spent_s"]

    def _save(self) -> None:
        kept = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "best": self.best,
            "stale": self.stale,
            "spent_s": self.spent_s,
        }
        temporary = self._checkpoint.with_suffix(".part")
        torch.save(kept, temporary)
        temporary.rename(self._checkpoint)

    def _log(self, loss: float, figures: dict[str, float]) -> None:
        path = self.folder / "log.csv"
        row = {"step": self.step, "minutes": round(self.spent_s / 60, 2), "loss": round(loss, 5)}
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow([*row, *figures])
            writer.writerow([*row.values(), *(round(value, 4) for value in figures.values())])

    def train(self, material: Stock, loss_of: Loss, check: Check) -> None:
        """Train to the end of the plan, or until ``patience`` checks brought nothing better."""
        plan = self.plan
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeRemainingColumn(),
        )
        with bar:
            task = bar.add_task(self.network.stem, total=plan.steps, completed=self.step)
            while self.step < plan.steps and self.stale < plan.patience:
                last = min(self.step + plan.check_every, plan.steps)
                loss = self._stretch(material, loss_of, last, lambda: bar.advance(task))
                figures = check(self._average)
                self._log(loss, figures)
                self._keep_if_better(figures["score"])
                bar.update(task, description=f"{self.network.stem} {figures['score']:.4f}")
                self._save()

    def _stretch(
        self,
        material: Stock,
        loss_of: Loss,
        last: int,
        advanced: Callable[[], None],
    ) -> float:
        """Train up to step ``last``; the mean loss."""
        begun = time.perf_counter()
        self.network.train()
        losses = []
        random = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + self.step)
        torch.manual_seed(self.plan.seed * 1_000_003 + self.step)  # dropout
        for features, truth in material.batches(self.plan, self.step, last):
            noisy = (
                disturb(features, random, -100.0) if self.network.stem == "activity" else features
            )
            with torch.autocast(self.device, torch.bfloat16, enabled=self.plan.half):
                loss = loss_of(self.network, noisy.to(self.device), truth.to(self.device))
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(self.plan, self.step)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
            self.optimizer.step()
            self.averaged.update_parameters(self.network)
            losses.append(float(loss.detach()))
            self.step += 1
            advanced()
        self.spent_s += time.perf_counter() - begun
        return float(np.mean(losses))

    def _keep_if_better(self, value: float) -> None:
        if value > self.best:
            self.best, self.stale = value, 0
            temporary = self.folder / "best.part"
            torch.save(self._average.state_dict(), temporary)
            temporary.rename(self.folder / "best.pt")
        else:
            self.stale += 1

    def load_best(self) -> Network:
        """The network with the averaged weights that scored best, in evaluation mode."""
        best = torch.load(self.folder / "best.pt", weights_only=True, map_location="cpu")
        self.network.load_state_dict(best)
        return self.network.cpu().eval()


def blend(began: dict[str, Tensor], network: Network, share: float) -> Network:
    """``network`` with ``share`` of its weights and the rest of those that its stage began from.

    Between the two lies what one knew and the other learned (Wortsman et al., CVPR 2022, equation
    1): a stage on hard material forgets a little of the plain.
    """
    after = network.state_dict()
    for name, value in after.items():
        if value.is_floating_point():
            after[name] = began[name].to(value.device) * (1 - share) + value * share
    network.load_state_dict(after)
    return network
