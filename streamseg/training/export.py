"""From a trained network to ``models/<stem>.onnx`` and its card, with proof that nothing changed.

The graph takes ``features`` and ``state_<i>`` and gives the outputs and ``next_state_<i>``; batch
and frames are free. Before the files are put in place, onnxruntime must agree with torch, and a
stream of odd-sized calls with one long call.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from streamseg.models.card import (
    DataSource,
    FrontEndSpec,
    MapSpec,
    ModelCard,
    OutputSpec,
    StateSpec,
    TrainingRecord,
)
from streamseg.models.session import Session, initial_state
from streamseg.training import data
from streamseg.training.half_weights import halved, rounded
from streamseg.training.lift import lifted
from streamseg.training.streaming import Network, macs_per_s

CLASSES = ("music", "speech", "noise")
TOLERANCE = 2e-4  # of a probability: float32 sums in another order, through a dozen layers


@dataclass(frozen=True, slots=True)
class Described:
    """What the card says beyond the graph."""

    title: str
    source: str
    deviations: tuple[str, ...]
    overlapping: bool
    front_end: FrontEndSpec
    record: TrainingRecord
    figures: dict[str, Any]
    receptive_field_s: float
    map: MapSpec | None = None
    classes: tuple[str, ...] = CLASSES


_MADE = ("midi", "invented", "sung", "held", "foreign")
BROAD = ("scored", "electronic")
"""What broad shards draw from besides."""
VARIED = (*BROAD, "grains", "dance", "bands", "gatherings", "ambient")
"""The same of those that dwell on voices, and of varied ones."""


def corpus_sources(
    corpus: Path, banks: Path, besides: Sequence[str] = ()
) -> tuple[DataSource, ...]:
    """Training data by origin and licence: from the manifest, and from the banks what was made.

    ``besides``: kinds of made sounds that the plain shards do not draw from.
    """
    clips = [clip for clip in data.read_manifest(corpus) if clip.part == "fit"]
    made = _other_sources(corpus, banks, (*_MADE, *besides))
    return (*clip_sources(clips), *made)


def clip_sources(
    clips: Iterable[data.Clip], longest_s: float = math.inf, what: str = ""
) -> list[DataSource]:
    """Clips by repository and licence, of each at most ``longest_s``; ``what`` of them was used."""
    minutes: dict[tuple[str, str], float] = defaultdict(float)
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    for clip in clips:
        minutes[clip.repo, clip.licence] += min(clip.duration_s, longest_s) / 60
        names[clip.repo, clip.licence].add(clip.attribution)
    return [
        DataSource(
            source=f"https://github.com/{repo}{what}",
            licence=licence,
            attribution="; ".join(sorted(name for name in names[repo, licence] if name)),
            minutes=round(spent, 2),
        )
        for (repo, licence), spent in sorted(minutes.items())
    ]


def _other_sources(corpus: Path, banks: Path, kinds: Sequence[str]) -> list[DataSource]:
    """MIDI and impulse responses (their own manifests), the soundfont, and what was made."""
    made: dict[str, float] = defaultdict(float)
    for kind in kinds:
        if (banks / f"{kind}.json").exists():
            for entry in data.Bank(banks, kind).entries:
                made[entry.repo] += entry.length / data.RATE_HZ / 60
    found: dict[tuple[str, str], str] = {}
    for kind in ("midi", "rir"):
        with (corpus / kind / "manifest.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                found[row["source_repo"], row["licence"]] = kind
    rows = [
        DataSource(
            source=f"https://github.com/{repo} ({kind})",
            licence=licence,
            minutes=round(made[repo], 2) if kind == "midi" else 0.0,
        )
        for (repo, licence), kind in sorted(found.items())
    ]
    rows += soundfonts(both="bands" in kinds)
    rows.append(
        DataSource(
            source="generated: resyntheses of the sounds above (sung, spoken, stretched), invented "
            "pieces, espeak-ng voices; noises and tones by rule beside these minutes",
            licence="MIT",
            minutes=round(made["generated"], 2),
        )
    )
    return rows


def soundfonts(both: bool) -> list[DataSource]:
    """What plays MIDI files: the first one alone, or ``both`` for bands."""
    known = (
        ("FluidR3_GM", "fluid-soundfont-gm", "MIT", "Frank Wen", "the MIDI files"),
        (
            "TimGM6mb",
            "timgm6mb-soundfont",
            "GPL-2.0",
            "Tim Brechbill, David Bolton",
            "some of the bands",
        ),
    )
    return [
        DataSource(
            source=f"{name} soundfont (Debian {package}), plays {what}",
            licence=licence,
            attribution=who,
            minutes=0.0,
        )
        for name, package, licence, who, what in known[: 2 if both else 1]
    ]


def graph_bytes(network: Network, bands: int) -> bytes:
    """The network as ONNX."""
    network = network.eval()
    states = network.start(2)
    frames = network.call_frames * (8 if network.block == 1 else 2)
    names = [f"state_{index}" for index in range(len(states))]
    outputs = [name for name, _ in network.outputs]
    axes: dict[str, dict[int, str]] = {"features": {0: "batch", 1: "frames"}}
    axes |= {name: {0: "batch", 1: "out_frames"} for name in outputs}
    axes |= {name: {0: "batch"} for name in names}
    axes |= {f"next_{name}": {0: "batch"} for name in names}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, frames, bands), *states),
            buffer,  # type: ignore[arg-type]
            input_names=["features", *names],
            output_names=[*outputs, *(f"next_{name}" for name in names)],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,  # the other exporter needs onnxscript
        )
    graph = lifted(buffer.getvalue())
    return halved(graph) if network.half_weights else graph


def make_card(network: Network, described: Described, graph: bytes) -> ModelCard:
    """The card that belongs to a graph."""
    front = described.front_end
    curves = sum(name == "boundary" for name, _ in network.outputs)
    roles: list[Literal["provisional", "confirmed", "boundary"]] = ["provisional", "confirmed"]
    roles = roles[curves - len(network.outputs) :]
    roles += ["boundary"] * curves
    outputs = tuple(
        OutputSpec(name=name, role=role, lookahead_frames=frames)
        for (name, frames), role in zip(network.outputs, roles, strict=True)
    )
    states = tuple(
        StateSpec(name=f"state_{index}", shape=shape)
        for index, shape in enumerate(network.state_shapes)
    )
    return ModelCard(
        schema=1,
        stem=network.stem,
        title=described.title,
        source=described.source,
        deviations=described.deviations,
        classes=described.classes,
        overlapping=described.overlapping,
        front_end=front,
        stride=network.stride,
        block_frames=network.block,
        outputs=outputs,
        map=described.map,
        state=states,
        receptive_field_s=round(described.receptive_field_s, 3),
        macs_per_audio_s=round(macs_per_s(network, front.columns, 1 / front.hop_s)),
        parameters=network.parameters_count(),
        training=described.record,
        figures=described.figures,
        sha256=hashlib.sha256(graph).hexdigest(),
    )


def parity(network: Network, path: Path, card: ModelCard) -> dict[str, float]:
    """Largest differences: torch against onnxruntime, and a stream against one call.

    Raises RuntimeError where one exceeds ``TOLERANCE``.
    """
    session = Session(path, card, "cpu")
    random = np.random.default_rng(5)
    unit = network.call_frames
    frames = unit * (150 if network.block == 1 else 2)
    features = random.normal(0, 1, (2, frames, card.front_end.columns)).astype(np.float32)
    if card.front_end.norm is None:
        features = features * 12 - 50
    whole, last = session.run(features, initial_state(card, 2))
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(features), *network.start(2))
    count = len(card.outputs)
    torch_gap = max(
        float(np.abs(got - want.numpy()).max())
        for got, want in zip((*whole, *last), expected, strict=True)
    )
    state = initial_state(card, 2)
    pieces: list[list[np.ndarray]] = [[] for _ in range(count)]
    at = 0
    while at < frames:
        size = min(unit * int(random.integers(1, 14)), frames - at)
        got, state = session.run(features[:, at : at + size], state)
        for index in range(count):
            pieces[index].append(got[index])
        at += size
    stream_gap = max(
        float(np.abs(np.concatenate(piece, axis=1) - one).max())
        for piece, one in zip(pieces, whole, strict=True)
    )
    gaps = {"torch_against_onnxruntime": torch_gap, "stream_against_one_call": stream_gap}
    # States are activations of any size; they get a wider limit than probabilities.
    if torch_gap > 10 * TOLERANCE or stream_gap > TOLERANCE:
        raise RuntimeError(f"expected differences below {TOLERANCE}, got {gaps}; nothing exported")
    return gaps


def export(network: Network, described: Described, folder: Path) -> ModelCard:
    """Write graph and card, or raise and leave what was there; the graph is put in place first."""
    if network.half_weights:
        rounded(network)
    graph = graph_bytes(network, described.front_end.columns)
    card = make_card(network, described, graph)
    folder.mkdir(parents=True, exist_ok=True)
    parts = (folder / f"{network.stem}.onnx.part", folder / f"{network.stem}.json.part")
    parts[0].write_bytes(graph)
    try:
        gaps = parity(network, parts[0], card)
        card = card.model_copy(update={"figures": {**card.figures, "parity": _rounded(gaps)}})
        parts[1].write_text(card.model_dump_json(by_alias=True, indent=1) + "\n")
        for part in parts:
            part.rename(part.with_suffix(""))
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return card


def _rounded(gaps: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.2g}") for name, value in gaps.items()}
