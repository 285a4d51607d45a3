"""What ``parallel_cnn`` is trained for, and the words of its cards.

Each answer is trained on what sounds in the pooled step in the middle of its window, the part of
the time line for which it stands; where classes sound together or follow each other there, they
share the mass of the softmax. Silence is not asked for: the level tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from streamseg.models.card import TrainingRecord
from streamseg.training import recipes
from streamseg.training.export import Described
from streamseg.training.fit import Check, disturb
from streamseg.training.fronts import PARALLEL_CNN
from streamseg.training.held_out import ClipAccuracy, clip_accuracy
from streamseg.training.mixing import IGNORE
from streamseg.training.parallel_cnn import ParallelCnn
from streamseg.training.streaming import Network
from streamseg.training.transpose import transposed
from streamseg.training.validation import Case

SMOOTHING = 0.02
WARP = 0.1  # deviation of the logarithm of the factor by which a crop is transposed
ENDS = 0.35  # share of the crops that begin late, and of those that end early
_SHORTEST = 14  # frames that stay: 0.5 s
BRIEF = 0.25  # share of the crops of which one short sound stays
_BRIEF_FRAMES = (5, 30)  # 0.2 to 1 s


def loss(network: Network, features: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of the answers against what their middle holds, weighted by how much sounds."""
    assert isinstance(network, ParallelCnn)
    stride, late = network.stride, network.outputs[0][1] // network.stride
    whole = features.shape[1] // stride * stride
    features, truth = features[:, :whole], truth[:, :whole]
    if network.training:
        features, truth = disturbed(features, truth)
    scores, _ = network.scores(features, *network.start(len(features)))
    said = torch.log_softmax(scores[:, late:].float(), dim=2)
    target, weight = shares(truth[:, : whole - late * stride], stride)
    target = target * (1 - 3 * SMOOTHING) + SMOOTHING
    return -((target * said).sum(dim=2) * weight).sum() / weight.sum().clamp(min=1)


def shares(truth: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """What each class has of a pooled step, (batch, steps, 3), and how much of it sounds (0..1).

    ``truth``: (batch, steps * stride, 3) of 0, 1 and IGNORE.
    """
    batch, frames, classes = truth.shape
    blocks = truth.reshape(batch, frames // stride, stride, classes)
    heard = (blocks == 1).float() * (blocks != IGNORE).all(dim=3, keepdim=True)
    each = heard / heard.sum(dim=3, keepdim=True).clamp(min=1)
    total = each.sum(dim=2)
    sounding = total.sum(dim=2)
    return total / sounding.clamp(min=1).unsqueeze(2), sounding / stride


def disturbed(features: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Level, equaliser, masks as ``fit.disturb``, transposed; some crops begin late or end early.

    Before a stream begins and behind its end is digital silence, and short clips are mostly that.
    Draws from torch's own generator, which the training loop seeds.
    """
    floor_db = PARALLEL_CNN.floor_db
    random = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
    silent = (features <= floor_db).all(dim=2, keepdim=True)
    moved = transposed(features, PARALLEL_CNN, WARP, random)
    result = disturb(moved, random, floor_db).masked_fill(silent, floor_db)
    batch, frames, _ = features.shape
    first = torch.randint(0, max(1, frames - _SHORTEST), (batch, 1), generator=random)
    first = first * (torch.rand(batch, 1, generator=random) < ENDS)
    room = (frames - first - _SHORTEST).clamp(min=0).float()
    last = first + _SHORTEST + (torch.rand(batch, 1, generator=random) * room).long()
    open_end = torch.rand(batch, 1, generator=random) >= ENDS
    last = torch.where(open_end, torch.full_like(last, frames), last)
    when = torch.arange(frames)
    gone = ((when < first) | (when >= last)).unsqueeze(2)
    result, truth = result.masked_fill(gone, floor_db), truth.masked_fill(gone, 0)
    return some_brief(result, truth, random)


def some_brief(features: Tensor, truth: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Some crops keep one short sound: a word or a note by itself.

    Around it lies digital silence, or, as in the recording of a word, what quiet frames hold.
    """
    batch, frames, _ = features.shape
    kept = torch.randint(*_BRIEF_FRAMES, (batch, 1), generator=random)
    first = (torch.rand(batch, 1, generator=random) * (frames - kept)).long()
    when = torch.arange(frames)
    chosen = torch.rand(batch, 1, generator=random) < BRIEF
    gone = (chosen & ((when < first) | (when >= first + kept))).unsqueeze(2)
    under = torch.rand(batch, 1, 1, generator=random) * 30
    quiet = (torch.quantile(features, 0.03, dim=1, keepdim=True) - under).clamp(
        min=PARALLEL_CNN.floor_db
    )
    quiet = torch.where(
        torch.rand(batch, 1, 1, generator=random) < 0.5, quiet, PARALLEL_CNN.floor_db
    )
    return torch.where(gone, quiet, features), truth.masked_fill(gone, 0)


def checker(
    cases: Sequence[Case],
    clips: Sequence[Case],
    brief: Sequence[Case],
    syllables: Sequence[Case] = (),
) -> Check:
    """Validation for ``fit``: programmes, singing; clips, brief sounds and syllables one by one."""

    def check(network: Network) -> dict[str, float]:
        verdict = recipes.judge(network, cases)["prob"]
        alone = [s.single for name, s in verdict.by_case.items() if name.startswith("only")]
        found = accuracy(network, clips)
        figures = {
            "single": verdict.overall.single,
            "pair": float(np.mean(list(found.pair.values()))),
            "three": float(np.mean(list(found.three.values()))),
            **{f"clip_{label}": share for label, share in found.three.items()},
            **{f"pair_{label}": share for label, share in found.pair.items()},
            "hard": float(np.mean(alone)) if alone else verdict.overall.single,
            "brief": float(np.mean(list(accuracy(network, brief).pair.values()))),
        }
        asked = ["single", "pair", "three", "brief"]
        if syllables:
            heard = accuracy(network, syllables).pair
            figures["syllables"] = float(np.mean(list(heard.values())))
            figures |= {f"syllables_{label}": share for label, share in heard.items()}
            asked.append("syllables")
        total = sum(figures[name] for name in asked) + 0.5 * figures["hard"]
        figures["score"] = total / (len(asked) + 0.5)
        return figures

    return check


def accuracy(network: Network, clips: Sequence[Case]) -> ClipAccuracy:
    """Per-clip accuracy of a network on held-out clips."""
    said = [recipes.answers(network, case)["prob"] for case in clips]
    return clip_accuracy(clips, said)


_SHARED_DEVIATIONS = (
    "Three classes (music, speech, noise) where the paper has genres, moods and composers, and its "
    "predecessor music and speech.",
    "Log10 is taken as decibels (ten times it, a band no lower than -75 dB), counted from the "
    "window's loudest frame (mean over bands), so that gain does not matter: without that, music "
    "among held-out clips was found in 64 to 87 % of the cases over 40 dB of gain. Then the mean "
    "of each band and one deviation of all, constants of the training data, are taken out.",
    "The window slides by one pooled step along a stream; before a stream begins it sees digital "
    "silence. Each answer is trained on what sounds in the pooled step nearest its middle (the "
    "paper labels whole files); classes that sound together share the mass, silence is told by "
    "level outside the network.",
    "A remainder of the convolution too short for a pooled step is dropped.",
    "Excerpts are random crops of composed and degraded programmes, where the paper draws 30 from "
    "every file and alters none; crops may begin late or end early, as clips do, and are "
    "transposed (all frequencies times 0.75 to 1.33). A last stage adds programmes of single "
    "sounds, and half of its weights is what it began from.",
    "Batches of 40 answers as in the paper (eight crops of five), but AdamW at 0.001 with a short "
    "rise and a cosine to 0, averaged weights and smoothed targets instead of SGD at a constant "
    "0.02 (with momentum 0.9 it stood at 0.848 on validation after 3000 steps, AdamW at 0.884).",
)
_DEVIATIONS = {
    "parallel_cnn_1": (
        "The paper gives no size for the dense layer of model 1; 200 units as in models 2 and 3.",
    ),
    "parallel_cnn_2": (
        "Of the paper's two sizes of the input, 40 x 80 (its text) is taken; the sizes that it "
        "prints behind the filters, 67 x 68 and 5 x 75, would need 80 x 82.",
    ),
    "parallel_cnn_3": (),
}


def describe(network: ParallelCnn, record: TrainingRecord, figures: dict[str, Any]) -> Described:
    """The words of a card."""
    section = {"1": "2.2.1 and figure 2", "2": "2.2.2 and figure 3", "3": "2.2.3 and figure 4"}
    number = network.stem[-1]
    return Described(
        title=f"Parallel convolutional network, model {number}",
        source="Lidy and Schindler, Parallel convolutional neural networks for music genre and "
        f"mood classification (MIREX 2016), sections 2.1, {section[number]}, 2.3, 2.4",
        deviations=_DEVIATIONS[network.stem] + _SHARED_DEVIATIONS,
        overlapping=False,
        front_end=PARALLEL_CNN,
        record=record,
        figures=figures,
        receptive_field_s=network.receptive_field_s,
    )
