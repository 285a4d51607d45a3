"""Learn that hum in pauses is nothing, and change nothing else.

Learning without forgetting (Li and Hoiem, ECCV 2016, section 3) with the soft targets of Hinton,
Vinyals and Dean (2015, section 2) at a temperature of 1: where something sounds, the target is what
the weights before answer to the same crop, be there hum or not. So the loss is at its least there
from the beginning, and these crops only hold the network where it is. In silence the truth alone
counts, and half of the crops hum.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamseg.training import hum_lines, recipes
from streamseg.training.activity import CONFIRMED_FRAMES, PROVISIONAL_FRAMES, Activity
from streamseg.training.mixing import IGNORE
from streamseg.training.shelves import CLASSES
from streamseg.training.streaming import Network

HUMMING = 2
"""One crop in so many hums."""
LEAST_DB, MOST_DB = 3.0, 35.0
"""How far hum lies under a crop."""
NOT_ASKED_DB = 8.0
"""Louder hum is not told from noise: nobody is asked whether a pause with it is noise."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """The loss of a stage. ``bank`` is (n, frames, bands), see ``hum_lines.bank``."""

    before: Activity
    """The weights whose answers are kept; they are not trained."""
    bank: NDArray[np.float16]

    def __call__(self, network: Network, features: Tensor, truth: Tensor) -> Tensor:
        """Cross-entropy of both heads; one crop in ``HUMMING`` hums.

        ``features`` is (batch, frames, bands), ``truth`` is (batch, frames, 3). Normalisations and
        dropout stay as they are at run time, or the same weights would not give the same answers.
        """
        assert isinstance(network, Activity)
        network.eval()
        heard, doubtful = self.with_hum(features, truth)
        with torch.no_grad():
            before = self.before.to(features.device)
            kept = before.logits(heard, *before.start(len(heard)))[:2]
        said = network.logits(heard, *network.start(len(heard)))[:2]
        silent = (truth.unfold(1, 2, 2) == 0).all(dim=3).all(dim=2)
        unasked = doubtful.unfold(1, 2, 2).any(dim=2)
        total = torch.zeros((), device=features.device)
        for logits, wanted, frames in zip(
            said, kept, (PROVISIONAL_FRAMES, CONFIRMED_FRAMES), strict=True
        ):
            target = torch.sigmoid(wanted.float())
            target[_late(silent, frames // 2)] = recipes.SMOOTHING
            weight = torch.ones_like(target)
            weight[..., CLASSES.index("noise")] = (~_late(unasked, frames // 2)).float()
            each = torch.nn.functional.binary_cross_entropy_with_logits(
                logits.float(), target, reduction="none"
            )
            total = total + (each * weight).sum() / weight.sum()
        return total

    def with_hum(self, features: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """The crops, some with hum, and (batch, frames) where noise is not asked for.

        Chance is that of torch, which a run seeds.
        """
        heard = features.cpu().numpy().copy()
        doubtful = torch.zeros(truth.shape[:2], dtype=torch.bool, device=truth.device)
        pause = ((truth == 0) | (truth == IGNORE)).all(dim=2)
        for row in range(len(heard) - len(heard) // HUMMING, len(heard)):
            random = np.random.default_rng(int(torch.randint(1 << 31, ())))
            under_db = float(random.uniform(LEAST_DB, MOST_DB))
            line = self.bank[random.integers(len(self.bank))]
            heard[row] = hum_lines.added(random, heard[row], line, under_db)
            if under_db < NOT_ASKED_DB:
                doubtful[row] = pause[row]
        return torch.from_numpy(heard).to(features.device), doubtful


def keeping(network: Activity, seed: int, hums: int = 300) -> Keeping:
    """The loss of a stage that begins from the weights that ``network`` has now."""
    before = deepcopy(network).eval()
    for weight in before.parameters():
        weight.requires_grad_(False)
    return Keeping(before, hum_lines.bank(seed, hums))


def _late(flags: Tensor, outputs: int) -> Tensor:
    """What is said of a moment, for the outputs that describe it ``outputs`` later."""
    head = torch.zeros_like(flags[:, :outputs])
    return torch.cat((head, flags[:, :-outputs]), dim=1)
