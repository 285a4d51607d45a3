"""``python -m streamseg.training NETWORK --corpus DIR``: from the corpus to a graph and its card.

Sounds are decoded and made once, training data rendered once for all networks; every stage goes on
where it was interrupted. ``--quick`` shows the whole path in about a minute on generated sounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import platformdirs
import torch
from rich.console import Console

from streamseg.models.card import ModelCard
from streamseg.training import (
    export,
    fronts,
    genre_job,
    mask_job,
    parallel_cnn_job,
    recipes,
    render,
    stem_job,
    validation,
)
from streamseg.training.activity import Activity
from streamseg.training.fit import Material, Plan, Run, Stock
from streamseg.training.frame_conv import FrameConv
from streamseg.training.job import Job, prepare_banks, prepare_later_banks, record_of
from streamseg.training.remix import Remixed
from streamseg.training.streaming import Network

MODELS = Path(__file__).resolve().parents[2] / "models"
PLAIN_SHARDS = 236  # 50 hours, of frame_conv


@dataclass(frozen=True, slots=True)
class Stage:
    """A plan, and the numbers of the shards that it trains on."""

    plan: Plan
    shards: Sequence[int]


def stages_of(stem: str, seed: int, quick: bool) -> tuple[Stage, ...]:
    """The schedule that leads to the shipped weights, or a few steps."""
    if quick:
        plan = Plan(steps=30, batch=8, crop_s=8.0, check_every=15, seed=seed, averaging=0.9)
        return (Stage(plan, range(1)),)
    if stem == "frame_conv":
        first = Plan(steps=6000, batch=8, crop_s=14.0, rate=3e-3, check_every=1000, seed=seed)
        again = replace(first, steps=3600, rate=2.5e-3, check_every=1200, seed=seed + 1)
        every = range(PLAIN_SHARDS)
        return Stage(first, every), Stage(again, every)
    plan = Plan(
        steps=38_000,
        batch=8,
        crop_s=8.0,
        late_crop_s=16.0,
        late_from=30_000,
        rate=6e-3,
        weight_decay=0.01,
        optimizer="muon",
        averaging=0.999,
        check_every=2000,
        seed=seed,
        half=bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()),
    )
    second = replace(plan, steps=28_000, late_from=23_000, rate=4e-3, seed=seed + 1)
    third = replace(plan, steps=18_000, late_from=14_500, rate=3e-3, seed=seed + 2)
    every = range(render.SHARDS)
    return Stage(plan, every), Stage(second, every), Stage(third, every)


def prepare(job: Job, stages: Sequence[Stage], console: Console) -> None:
    """Banks, training shards and validation cases."""
    prepare_banks(job, console)
    if job.varied:
        prepare_later_banks(job, console)
    numbers = sorted({number for stage in stages for number in stage.shards})
    shards = len(numbers)
    with console.status("rendering") as status:
        done = 0

        def told(_: int) -> None:
            nonlocal done
            done += 1
            status.update(f"rendering: {done} shards of {shards}")

        folder = job.cache / "shards"
        render.render(job.banks, job.corpus, folder, "fit", job.seed, numbers, job.workers, told)
        seconds = 25.0 if job.quick else 130.0
        validation.write_cases(
            job.banks,
            job.corpus,
            job.cases,
            job.seed + 100,
            seconds,
            job.workers,
            varied=job.varied,
        )


def figures_of(network: Network, cases: list[validation.Case]) -> dict[str, Any]:
    """Validation figures for the card."""
    figures: dict[str, Any] = {
        "command": "python -m streamseg.training (printed at its end)",
        "data": "validation programmes: repositories and speakers held out of training",
    }
    for name, verdict in recipes.judge(network, cases).items():
        overall = verdict.overall
        figures[name] = {
            "single_class_macro_f1": round(overall.single, 4),
            "multi_label_f1": round(overall.multi, 4),
            "silence_false_alarms": round(overall.silence, 4),
            "expected_calibration_error": round(verdict.calibration_error, 4),
            "single_class_macro_f1_by_condition": {
                condition: round(value.single, 4) for condition, value in verdict.by_case.items()
            },
        }
    return figures


def finish(job: Job, network: Network, hours: float) -> ModelCard:
    """Calibrate, export, write the card."""
    besides: tuple[str, ...] = ()
    if isinstance(network, Activity):
        besides = export.VARIED
    cases = validation.read_cases(job.cases)
    if isinstance(network, Activity):
        recipes.calibrate(network, cases)
    record = record_of(job, hours, besides)
    described = recipes.describe(network, record, figures_of(network, cases))
    return export.export(network, described, job.models)


OTHERS: dict[str, Callable[[Job, Console], ModelCard | None]] = {
    **dict.fromkeys(parallel_cnn_job.NETWORKS, parallel_cnn_job.train),
    "window_mask": mask_job.train,
    "stem_unet_small": stem_job.train,
    "stem_unet": stem_job.train_unet,
    "stem_genre": genre_job.train,
}
"""Networks with data and schedules of their own."""


def _stock(job: Job, stage: Stage) -> Stock:
    """What a stage trains on."""
    material = Material.read(job.cache / "shards", job.stem, fronts.FRONTS[job.stem], stage.shards)
    if job.stem == "activity":
        return Remixed.of(material, stage.shards, job.seed, made=8 if job.quick else 240)
    return material


def train(job: Job, console: Console) -> ModelCard | None:
    """The whole command."""
    if job.stem in OTHERS:
        return OTHERS[job.stem](job, console)
    stages = stages_of(job.stem, job.seed, job.quick)
    prepare(job, stages, console)
    torch.manual_seed(job.seed)
    torch.set_num_threads(job.workers)
    network: Network = Activity() if job.stem == "activity" else FrameConv()
    cases = validation.read_cases(job.cases)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for index, stage in enumerate(stages):
        run = Run(network, stage.plan, job.runs / f"{job.stem}_{index}", device)
        run.train(_stock(job, stage), recipes.LOSSES[job.stem], recipes.checker(cases))
        network = run.load_best()
    heard = {number for stage in stages for number in stage.shards}
    card = finish(job, network, render.audio_hours(len(heard)))
    console.print(f"wrote {job.models / job.stem}.onnx and .json")
    console.print(card.figures)
    return card


@click.command()
@click.argument("stem", type=click.Choice(["frame_conv", "activity", *OTHERS]), metavar="NETWORK")
@click.option("--corpus", envvar="STREAMSEG_CORPUS", type=click.Path(path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path), help="Sounds and rendered data.")
@click.option("--runs", type=click.Path(path_type=Path), help="Checkpoints and logs.")
@click.option("--models", type=click.Path(path_type=Path), default=MODELS, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Processes and threads.")
@click.option("--quick", is_flag=True, help="The whole path in a minute, on generated sounds.")
def main(
    stem: str,
    corpus: Path | None,
    cache: Path | None,
    runs: Path | None,
    models: Path,
    seed: int,
    workers: int,
    quick: bool,
) -> None:
    """Train NETWORK (activity, frame_conv, ...) and write its graph and card."""
    if corpus is None and not quick:
        raise click.UsageError(
            "expected the corpus folder: give --corpus DIR or set STREAMSEG_CORPUS, "
            "or use --quick for generated sounds"
        )
    base = platformdirs.user_cache_path("streamseg") / ("quick" if quick else "training")
    cache = cache or base
    job = Job(
        stem,
        None if quick else corpus,
        cache,
        runs or cache / "runs",
        models,
        seed,
        workers,
        quick,
    )
    train(job, Console())


if __name__ == "__main__":
    main()
