"""How ``window_mask`` is trained: loss, schedule, and what decides on validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamseg.evaluation.roc import auc
from streamseg.training.fit import Check, Plan
from streamseg.training.layers import CLASSES
from streamseg.training.mask_data import RATIOS_DB, Pictures
from streamseg.training.streaming import Network
from streamseg.training.window_mask import WindowMask

SHARDS = 64  # 21 hours
SETS = 40
"""Validation: so many clips of each class, alone and mixed."""


def plan_of(seed: int, quick: bool) -> Plan:
    """The schedule that leads to the shipped weights, or a few steps."""
    if quick:
        return Plan(steps=30, batch=4, crop_s=1.5, averaging=0.9, check_every=30, seed=seed)
    half = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return Plan(
        steps=13_000,
        batch=8,
        crop_s=1.5,  # 17 windows along time: more scenes for the same work as fewer, longer crops
        rate=5e-3,
        weight_decay=0.01,
        optimizer="muon",
        averaging=0.999,
        check_every=1000,
        seed=seed,
        half=half,
    )


def loss(network: Network, features: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of every window against the mean share of its units."""
    assert isinstance(network, WindowMask)
    logits = network.logits(features).float()
    share, known = truth[..., :-1], truth[..., -1]
    entropy = -(share * torch.log_softmax(logits, dim=3)).sum(dim=3)
    return (entropy * known).sum() / known.sum().clamp(min=1)


def answers(
    network: WindowMask, cases: Pictures, rows: NDArray[np.int64], half: bool
) -> NDArray[np.float32]:
    """Probabilities of all whole windows of some cases, (rows, steps, positions, classes)."""
    said = []
    with torch.no_grad(), torch.autocast(network.device.type, torch.bfloat16, enabled=half):
        for part in np.array_split(rows, -(-len(rows) // 10)):
            logits = network.logits(cases.features(part).to(network.device))
            said.append(torch.softmax(logits.float(), dim=3).cpu().numpy())
    return np.concatenate(said)


def checker(cases: Pictures, half: bool, share_of_cases: float = 1.0) -> Check:
    """Validation for ``fit``: AUC of music against noise by ratio, and of every class alone.

    The score is the mean of the AUC over the ratios, clean among them: single windows that are
    somebody's, ratios of the whole excerpt.
    """
    rows = np.arange(round(len(cases.names) * share_of_cases))
    names = cases.names[rows]
    asked = cases.targets(rows)
    known = asked.known.numpy() > 0
    share = asked.share.numpy()

    def check(network: Network) -> dict[str, float]:
        assert isinstance(network, WindowMask)
        prob = answers(network.eval(), cases, rows, half)

        def heard(name: str) -> NDArray[np.float32]:
            own = names == name
            return np.asarray(prob[own][known[own]])

        noise = heard("noise")[:, 0]
        figures = {"clean": auc(heard("music")[:, 0], noise)}
        for ratio_db in RATIOS_DB:
            figures[f"at_{ratio_db}"] = auc(heard(f"music_noise {ratio_db}")[:, 0], noise)
        figures["score"] = float(np.mean(list(figures.values())))
        figures["macro"] = macro_auc([heard(label) for label in CLASSES])
        mixed = np.char.find(names, "_") > 0
        asked_here = known & mixed[:, None, None]
        right = prob[asked_here].argmax(1) == share[asked_here].argmax(1)
        figures["dominant"] = float(right.mean())
        figures["entropy"] = float(-(share * np.log(prob.clip(1e-6))).sum(3)[known].mean())
        return figures

    return check


def macro_auc(heard: list[NDArray[np.float32]]) -> float:
    """Mean over the classes of one against the rest; ``heard[i]`` is what windows of i got."""
    values = []
    for index in range(len(heard)):
        rest = np.concatenate([part[:, index] for i, part in enumerate(heard) if i != index])
        values.append(auc(heard[index][:, index], rest))
    return float(np.mean(values))


def figures_of(network: WindowMask, cases: Pictures) -> dict[str, Any]:
    """Validation figures for the card."""
    found = checker(cases, half=False)(network)
    return {
        "command": "python -m streamseg.training window_mask --corpus CORPUS (printed at its end)",
        "data": "validation clips: repositories and speakers held out of training",
        "auc_music_against_noise": {
            "clean": round(found["clean"], 4),
            **{f"{ratio_db:+d} dB": round(found[f"at_{ratio_db}"], 4) for ratio_db in RATIOS_DB},
        },
        "macro_auc_clean": round(found["macro"], 4),
        "dominant_class_right": round(found["dominant"], 4),
    }
