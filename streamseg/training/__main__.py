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
    keeping,
    mask_job,
    parallel_cnn_job,
    recipes,
    render,
    stem_job,
    validation,
)
from streamseg.training.activity import Activity
from streamseg.training.fit import Loss, Material, Plan, Run, blend
from streamseg.training.frame_conv import FrameConv
from streamseg.training.job import Fourth, Job, prepare_banks, prepare_later_banks, record_of
from streamseg.training.streaming import Network

MODELS = Path(__file__).resolve().parents[2] / "models"
SHARDS = 236  # 50 hours
WIDE_SHARDS = (*range(69), *range(160, 176), *range(196, 260), *range(284, 340))  # 44 hours
HUM_SHARDS = (*range(48), *range(160, 260), *range(284, 372))  # 50 hours
VARIED_SHARDS = (
    *range(69),
    *range(160, 168),
    *range(196, 216),
    *range(236, 252),
    *range(284, 312),
    *range(340, 392),
)  # 41 hours


@dataclass(frozen=True, slots=True)
class Stage:
    """A plan, and the numbers of the shards that it trains on."""

    plan: Plan
    shards: Sequence[int]
    share: float = 1.0
    """Of this stage's weights in their mean with the weights that it began from, see ``blend``."""
    hum: bool = False
    """Hum in half of the crops, and the answers of the weights before kept: ``keeping``."""


def stages_of(stem: str, seed: int, quick: bool, fourth: Fourth = "") -> tuple[Stage, ...]:
    """The schedule that leads to the shipped weights, or a few steps.

    ``fourth``: of ``activity`` also a stage that was tried and did not ship.
    """
    if quick:
        plan = Plan(steps=30, batch=8, crop_s=8.0, check_every=15, seed=seed, averaging=0.9)
        return (Stage(plan, range(1)),)
    if stem == "frame_conv":
        first = Plan(steps=6000, batch=8, crop_s=14.0, rate=3e-3, check_every=1000, seed=seed)
        again = replace(first, steps=3600, rate=2.5e-3, check_every=1200, seed=seed + 1)
        every = range(SHARDS)
        return Stage(first, every), Stage(again, every)
    half = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    first = Plan(steps=7500, batch=8, crop_s=16.0, check_every=500, seed=seed, half=half)
    # Then at a lower rate where the hard shards are: pauses and singing, and some plain ones.
    second = replace(first, steps=2000, rate=8e-4, averaging=0.995, seed=seed + 1)
    # Then what the corpus is narrow in, voices before all, beside plain programmes: without these a
    # network forgets what music sounds like (docs/training.md has both).
    third = replace(first, steps=2400, rate=8e-4, check_every=400, seed=seed + 3)
    shipped = (
        Stage(first, range(SHARDS)),
        Stage(second, range(140, SHARDS)),
        Stage(third, WIDE_SHARDS, share=0.85),
    )
    if not fourth:
        return shipped
    if fourth == "hum":  # in pauses it is nothing; what was answered elsewhere stays the answer
        last = replace(first, steps=400, rate=3e-4, check_every=100, averaging=0.99, seed=seed + 24)
        return (*shipped, Stage(last, HUM_SHARDS, hum=True))
    # Then other music, people who sing together, field recordings, hum.
    last = replace(third, check_every=600, seed=seed + 11)
    return (*shipped, Stage(last, VARIED_SHARDS, share=0.85))


def prepare(job: Job, stages: Sequence[Stage], console: Console) -> None:
    """Banks, training shards and validation cases."""
    prepare_banks(job, console)
    if job.fourth:
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
            varied=bool(job.fourth),
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
        besides = export.VARIED if job.fourth else export.VOICES
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


def _lesson(job: Job, stage: Stage, network: Network) -> tuple[Loss, Material]:
    """What a stage trains for, and on what; ``network`` has the weights that it begins from."""
    spec = fronts.FRONTS[job.stem]
    material = Material.read(job.cache / "shards", job.stem, spec, stage.shards)
    if stage.hum:
        assert isinstance(network, Activity)
        return keeping.keeping(network, stage.plan.seed), material
    return recipes.LOSSES[job.stem], material


def train(job: Job, console: Console) -> ModelCard | None:
    """The whole command."""
    if job.stem in OTHERS:
        return OTHERS[job.stem](job, console)
    stages = stages_of(job.stem, job.seed, job.quick, job.fourth)
    prepare(job, stages, console)
    torch.manual_seed(job.seed)
    torch.set_num_threads(job.workers)
    network: Network = Activity() if job.stem == "activity" else FrameConv()
    cases = validation.read_cases(job.cases)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for index, stage in enumerate(stages):
        loss, material = _lesson(job, stage, network)
        folder = job.runs / f"{job.stem}_{index}"
        began = {name: value.clone() for name, value in network.state_dict().items()}
        run = Run(network, stage.plan, folder, device)
        run.train(material, loss, recipes.checker(cases))
        network = blend(began, run.load_best(), stage.share)
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
@click.option(
    "--fourth",
    type=click.Choice(["varied", "hum"]),
    help="activity: also a fourth stage, of those tried that did not ship (docs/training.md).",
)
def main(
    stem: str,
    corpus: Path | None,
    cache: Path | None,
    runs: Path | None,
    models: Path,
    seed: int,
    workers: int,
    quick: bool,
    fourth: Fourth | None,
) -> None:
    """Train NETWORK (activity, frame_conv, ...) and write its graph and card."""
    if corpus is None and not quick:
        raise click.UsageError(
            "expected the corpus folder: give --corpus DIR or set STREAMSEG_CORPUS, "
            "or use --quick for generated sounds"
        )
    if fourth and (quick or stem != "activity"):
        raise click.UsageError("expected --fourth with activity and the corpus; leave it away")
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
        fourth or "",
    )
    train(job, Console())


if __name__ == "__main__":
    main()
