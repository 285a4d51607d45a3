"""The training command of the three ``parallel_cnn``: their data, schedule, figures and export.

They have a front end of their own, so shards and validation cases lie in folders of their own; the
programmes are the same as those of the other networks, number by number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from rich.console import Console

from streamseg.models.card import ModelCard
from streamseg.training import (
    banks,
    export,
    fronts,
    held_out,
    parallel_cnn_singles,
    recipes,
    render,
    validation,
)
from streamseg.training import parallel_cnn_recipe as recipe
from streamseg.training.fit import Material, Plan, Run, blend
from streamseg.training.job import Job, prepare_banks, record_of
from streamseg.training.parallel_cnn import ParallelCnn, ParallelCnn1, ParallelCnn2, ParallelCnn3
from streamseg.training.validation import Case

NETWORKS: dict[str, type[ParallelCnn]] = {
    kind.stem: kind for kind in (ParallelCnn1, ParallelCnn2, ParallelCnn3)
}
# 17 hours of plain programmes and such that dwell on singing, then 6 hours of broad ones, with more
# kinds of music (see ``render``).
FIRST = (*range(64), *range(208, 224))
SHARDS = (*FIRST, *range(236, 264))
SINGLES = 24
"""Shards of single sounds (``parallel_cnn_singles``), for the last stage."""
KEPT = 0.5
"""Share of the last stage's weights in the result, see ``fit.blend``."""
_FRONT = ("parallel_cnn",)
_PROGRAMMES = len(FIRST) * render.PER_SHARD


@dataclass(frozen=True, slots=True)
class Held:
    """What chooses and stops: composed programmes; clips, brief sounds and syllables one by one."""

    programmes: Sequence[Case]
    clips: Sequence[Case]
    brief: Sequence[Case]
    syllables: Sequence[Case]


def plans_of(kind: type[ParallelCnn], seed: int, quick: bool) -> tuple[Plan, ...]:
    """First on the shards ``FIRST``, then twice at a lower rate on all, then with single sounds.

    ``KEPT`` is what the last stage weighs in the result.
    The batch is the paper's 40: eight crops, of which each gives five answers.
    """
    answers = 5 + kind.outputs[0][1] // kind.stride
    first = Plan(
        steps=6000,
        batch=8,
        crop_s=answers * kind.stride * fronts.PARALLEL_CNN.hop_s,
        rate=1e-3,
        averaging=0.999,
        check_every=1500,
        seed=seed,
        # The long filters of model 3 are slower so.
        half=kind is not ParallelCnn3 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()),
    )
    if quick:
        return (replace(first, steps=30, averaging=0.9, check_every=15),)
    return (
        first,
        replace(first, steps=3000, rate=6e-4, seed=seed + 1),
        replace(first, steps=3000, rate=4e-4, seed=seed + 2),
        replace(first, steps=3000, rate=4e-4, seed=seed + 3),
    )


def _folder(job: Job, kind: str) -> Path:
    return job.cache / f"{kind}_parallel_cnn"


def prepare(job: Job, console: Console) -> Held:
    """Banks, shards and what validation asks."""
    prepare_banks(job, console)
    if job.corpus is not None and not job.quick:
        banks.build_banks(job.corpus, job.banks, job.seed, job.workers, console.print, banks.SINGLE)
    numbers = SHARDS[:1] if job.quick else SHARDS
    with console.status("rendering") as status:
        done = 0

        def told(_: int) -> None:
            nonlocal done
            done += 1
            status.update(f"rendering: {done} shards of {len(numbers)}")

        shards = _folder(job, "shards")
        render.render(
            job.banks, job.corpus, shards, "fit", job.seed, numbers, job.workers, told, _FRONT
        )
        singles = _folder(job, "singles")
        for number in range(1 if job.quick else SINGLES):
            parallel_cnn_singles.render_shard(job.banks, job.corpus, singles, job.seed, number)
        seconds = 25.0 if job.quick else 130.0
        cases, clips = _folder(job, "validation"), _folder(job, "clips")
        seed = job.seed + 100
        validation.write_cases(
            job.banks, job.corpus, cases, seed, seconds, job.workers, names=_FRONT
        )
        for kind in get_args(held_out.Kind):
            held_out.write_clips(job.banks, clips, seed, _FRONT, kind)
    return read_held(cases, clips)


def read_held(cases: Path, clips: Path) -> Held:
    """What ``prepare`` wrote."""
    return Held(
        validation.read_cases(cases),
        held_out.read_clips(clips),
        held_out.read_clips(clips, "brief"),
        held_out.read_clips(clips, "syllables"),
    )


def _of_first(material: Material) -> Material:
    """The programmes of the shards ``FIRST``, which lie in front."""
    count = _PROGRAMMES
    return Material(material.features[:count], material.truth[:count], material.spec)


def with_singles(material: Material, singles: Material) -> Material:
    """Both kinds of programmes, for the last stage."""
    features = np.concatenate((material.features, singles.features))
    return Material(features, np.concatenate((material.truth, singles.truth)), material.spec)


def figures_of(network: ParallelCnn, held: Held) -> dict[str, Any]:
    """Validation figures for the card."""
    verdict = recipes.judge(network, held.programmes)["prob"]
    found = recipe.accuracy(network, held.clips)
    return {
        "command": "python -m streamseg.training (printed at its end)",
        "data": "repositories and speakers held out of training: composed programmes, and clips "
        "one by one",
        "prob": {
            "clip_accuracy_music_against_speech": _rounded(found.pair),
            "clip_accuracy_three_classes": _rounded(found.three),
            "brief_sounds_music_against_speech": _rounded(
                recipe.accuracy(network, held.brief).pair
            ),
            "notes_against_spoken_syllables": _rounded(
                recipe.accuracy(network, held.syllables).pair
            ),
            "single_class_macro_f1": round(verdict.overall.single, 4),
            "single_class_macro_f1_by_condition": _rounded(
                {condition: value.single for condition, value in verdict.by_case.items()}
            ),
        },
    }


def _rounded(shares: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in shares.items()}


def train(job: Job, console: Console) -> ModelCard:
    """The whole command."""
    held = prepare(job, console)
    kind = NETWORKS[job.stem]
    torch.manual_seed(job.seed)
    torch.set_num_threads(job.workers)
    network = kind()
    material = Material.read(_folder(job, "shards"), *_FRONT, fronts.PARALLEL_CNN)
    network.standardise(material.features[:_PROGRAMMES:7])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    check = recipe.checker(held.programmes, held.clips, held.brief, held.syllables)
    single = Material.read(_folder(job, "singles"), *_FRONT, fronts.PARALLEL_CNN)
    every = with_singles(material, single)
    began: dict[str, torch.Tensor] = {}
    for index, plan in enumerate(plans_of(kind, job.seed, job.quick)):
        began = {name: value.clone() for name, value in network.state_dict().items()}
        run = Run(network, plan, job.runs / f"{job.stem}_{index}", device)
        stock = (_of_first(material), material, material, every)[index]
        run.train(stock, recipe.loss, check)
        run.load_best()
    if not job.quick:
        blend(began, network, KEPT)
    hours = render.audio_hours(len(every.features) // render.PER_SHARD)
    record = record_of(job, hours, (*export.BROAD, *banks.SINGLE))
    described = recipe.describe(network, record, figures_of(network, held))
    card = export.export(network, described, job.models)
    console.print(f"wrote {job.models / job.stem}.onnx and .json")
    console.print(card.figures)
    return card
