"""What each network is trained for: loss, validation, calibration, and the words of its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamseg.models.card import TrainingRecord
from streamseg.training import fronts
from streamseg.training.activity import CONFIRMED_FRAMES, PROVISIONAL_FRAMES, Activity
from streamseg.training.export import Described
from streamseg.training.fit import Check, Loss
from streamseg.training.frame_conv import LOOKAHEAD_FRAMES, TOGETHER, FrameConv
from streamseg.training.mixing import IGNORE
from streamseg.training.streaming import Network
from streamseg.training.validation import Case, Score, expected_calibration_error, on_cells, score

SMOOTHING = 0.02


def _delayed(truth: Tensor, outputs: int) -> Tensor:
    """Truth for outputs that come ``outputs`` steps late; before that nothing is asked."""
    if outputs == 0:
        return truth
    head = torch.full_like(truth[:, :outputs], IGNORE)
    return torch.cat((head, truth[:, :-outputs]), dim=1)


def _masked_bce(logits: Tensor, truth: Tensor) -> Tensor:
    known = (truth != IGNORE).float()
    target = (truth == 1).float() * (1 - 2 * SMOOTHING) + SMOOTHING
    loss = torch.nn.functional.binary_cross_entropy_with_logits(
        logits.float(), target, reduction="none"
    )
    return (loss * known).sum() / known.sum().clamp(min=1)


def activity_loss(network: Network, features: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy of both heads against the truth of the moment that each describes."""
    assert isinstance(network, Activity)
    early, late, _ = network.logits(features, *network.start(len(features)))
    # An output describes two feature frames; where they differ nothing is asked.
    pairs = truth.unfold(1, 2, 2)
    same = torch.where(pairs[..., 0] == pairs[..., 1], pairs[..., 0], IGNORE)
    first = _masked_bce(early, _delayed(same, PROVISIONAL_FRAMES // 2))
    second = _masked_bce(late, _delayed(same, CONFIRMED_FRAMES // 2))
    return first + second


def frame_conv_loss(network: Network, features: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of the averaged scores; classes that sound together share the mass."""
    prob = network(features, *network.start(len(features)))[0]
    late = _delayed(truth, LOOKAHEAD_FRAMES)
    heard = (late == 1).float()
    count = heard.sum(dim=2)
    known = ((late != IGNORE).all(dim=2) & (count > 0)).float()
    target = heard / count.clamp(min=1).unsqueeze(2)
    target = target * (1 - 3 * SMOOTHING) + SMOOTHING
    loss = -(target * torch.log(prob.float().clamp(min=1e-6))).sum(dim=2)
    return (loss * known).sum() / known.sum().clamp(min=1)


LOSSES: dict[str, Loss] = {"activity": activity_loss, "frame_conv": frame_conv_loss}


def answers(network: Network, case: Case) -> dict[str, NDArray[np.float32]]:
    """Each output of a network for a whole case, on the 20 ms grid, (cells, 3)."""
    front = fronts.front_of(network.stem)
    spec = fronts.FRONTS[front]
    features = fronts.normalised(spec, case.features[front])
    late = max(frames for _, frames in network.outputs)
    # The end of the case is answered after the look-ahead: silence follows it.
    rest = np.full((late + -(len(features) + late) % network.stride, spec.columns), spec.floor_db)
    if spec.norm is not None:
        rest[:] = features.mean()
    padded = np.concatenate((features, rest.astype(np.float32)))[None]
    with torch.no_grad():
        results = network(torch.from_numpy(padded).to(network.device), *network.start(1))
    return {
        name: on_cells(result[0].cpu().numpy(), spec, network.stride, frames, len(case.truth))
        for (name, frames), result in zip(network.outputs, results, strict=False)
    }


@dataclass(frozen=True, slots=True)
class Verdict:
    """Scores of one output over all programmes, by case, and its calibration error."""

    overall: Score
    by_case: dict[str, Score]
    calibration_error: float


def judge(network: Network, cases: Sequence[Case]) -> dict[str, Verdict]:
    """Score every output of a network; "only ..." cases count by themselves, not in the whole."""
    network = network.eval()
    said = [answers(network, case) for case in cases]
    verdicts = {}
    for name, _ in network.outputs:
        whole = [i for i, case in enumerate(cases) if not case.name.startswith("only")]
        overall = score([cases[i].truth for i in whole], [said[i][name] for i in whole])
        by_case = {}
        for condition in sorted({case.name for case in cases}):
            own = [i for i, case in enumerate(cases) if case.name == condition]
            by_case[condition] = score([cases[i].truth for i in own], [said[i][name] for i in own])
        truth = np.concatenate([cases[i].truth for i in whole])
        prob = np.concatenate([said[i][name] for i in whole])
        known = truth != IGNORE
        error = expected_calibration_error(prob[known], truth[known] == 1)
        verdicts[name] = Verdict(overall, by_case, error)
    return verdicts


def checker(cases: Sequence[Case]) -> Check:
    """Validation for ``fit``: mean of single-class F1, multi-label F1 of both answers, the cases of
    one kind alone, and silence that stays silent."""

    def check(network: Network) -> dict[str, float]:
        verdicts = judge(network, cases)
        last = verdicts[network.outputs[-1][0]]
        first = verdicts[network.outputs[0][0]]
        programmes = [s for name, s in last.by_case.items() if not name.startswith("only")]
        alone = {n: _share(s) for n, s in last.by_case.items() if n.startswith("only")}
        figures = {
            "single": last.overall.single,
            "multi": last.overall.multi,
            "worst": min(s.single for s in programmes),
            "single_early": first.overall.single,
            "multi_early": first.overall.multi,
            "silence": last.overall.silence,
            "ece": last.calibration_error,
            **{name.replace(" ", "_"): value for name, value in alone.items()},
        }
        hard = float(np.mean(list(alone.values()))) if alone else figures["single"]
        both = figures["single"] + figures["multi"] + figures["multi_early"]
        if network.stem == "frame_conv":  # one class a frame: there is no multi-label answer
            both = 3 * figures["single"]
        figures["score"] = (both + hard + 1 - figures["silence"]) / 5
        return figures

    return check


def _share(result: Score) -> float:
    """Of a case with a single class: the F1 of that class (the others are absent)."""
    return float(result.single)


def calibrate(network: Activity, cases: Sequence[Case]) -> None:
    """Fit one scale and one shift a class and head on validation, by maximum likelihood."""
    network.eval()
    scale, shift = network.get_buffer("scale"), network.get_buffer("shift")
    scale.fill_(1.0)
    shift.zero_()
    programmes = [case for case in cases if not case.name.startswith("only")]
    for head, (name, _) in enumerate(network.outputs):
        prob = np.concatenate([answers(network, case)[name] for case in programmes])
        truth = np.concatenate([case.truth for case in programmes])
        for index in range(3):
            known = truth[:, index] != IGNORE
            clipped = np.clip(prob[known, index].astype(np.float64), 1e-6, 1 - 1e-6)
            logit = torch.from_numpy(np.log(clipped / (1 - clipped)))
            target = torch.from_numpy((truth[known, index] == 1).astype(np.float64))
            found = _platt(logit, target)
            scale[head, index], shift[head, index] = found


def _platt(logit: Tensor, target: Tensor) -> tuple[float, float]:
    values = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([values], max_iter=60)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logit * values[0] + values[1], target
        )
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return float(values[0].detach()), float(values[1].detach())


FRAME_CONV_DEVIATIONS = (
    "Three classes (music, speech, noise) where the paper has two: a monitor meets noise.",
    "The paper's 'eight pairs' beside '16-dimensional vector at the 10th layer' contradict each "
    "other; read as eight layers in four pairs (two Kapre layers and eight others are the first "
    "ten).",
    "Normalisation per frequency by running mean and deviation (60 s) where Kapre takes the whole "
    "file: a live stream has no whole file.",
    "Convolutions are unpadded in time and keep their left context (two frames of look-ahead "
    "each), so that a stream equals the offline result; a stream starts with zeros.",
    f"'Ten frames at a time' is a sliding mean of {TOGETHER} frames' scores, one answer a frame.",
    "Where classes sound together the softmax is trained to share the mass between them; silence "
    "is told by level outside the network.",
)
ACTIVITY_NOTES = (
    "All convolutions are causal; look-ahead is a delay of the answer. Streams start with zeros.",
    "Trained to say nothing in silence, hum and faint hiss; silence itself is told by level.",
    "Each band is also shown above its mean of the last 0.26, 1 and 4 s; before a stream starts "
    "that is -50 dB.",
)


def describe(network: Network, record: TrainingRecord, figures: dict[str, Any]) -> Described:
    """The words of a card."""
    if isinstance(network, Activity):
        return Described(
            title="Music, speech and noise, independent, early and confirmed",
            source="own",
            deviations=ACTIVITY_NOTES,
            overlapping=True,
            front_end=fronts.ACTIVITY,
            record=record,
            figures=figures,
            receptive_field_s=network.receptive_field_s,
        )
    assert isinstance(network, FrameConv)
    return Described(
        title="All-convolutional frame-level segmentation",
        source="Bhatia and Thakur, All-conv net for frame level music and speech segmentation "
        "(MIREX 2018), section 'Convolutional fully connected layers' and figure 1",
        deviations=FRAME_CONV_DEVIATIONS,
        overlapping=False,
        front_end=fronts.FRAME_CONV,
        record=record,
        figures=figures,
        receptive_field_s=network.receptive_field_s,
    )
