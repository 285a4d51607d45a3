"""``python -m streamseg.training NETWORK --corpus DIR``: from the corpus to a graph and its card.

Sounds are decoded and made once, training data rendered once for all networks; every stage goes on
where it was interrupted. ``--quick`` shows the whole path in about a minute on generated sounds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import platformdirs
import torch
from rich.console import Console

from streamseg.models.card import DataSource, ModelCard, TrainingRecord
from streamseg.training import banks, export, fronts, recipes, render, validation
from streamseg.training.activity import Activity
from streamseg.training.fit import Material, Plan, Run
from streamseg.training.frame_conv import FrameConv
from streamseg.training.streaming import Network

MODELS = Path(__file__).resolve().parents[2] / "models"
SHARDS = 236  # 50 hours


@dataclass(frozen=True, slots=True)
class Job:
    """One training command."""

    stem: str
    corpus: Path | None
    cache: Path
    runs: Path
    models: Path
    seed: int
    workers: int
    quick: bool

    @property
    def banks(self) -> Path:
        """Sounds."""
        return self.cache / "banks"

    @property
    def command(self) -> str:
        """How to do it again."""
        where = "--quick" if self.quick else "--corpus CORPUS"
        return f"python -m streamseg.training {self.stem} {where} --seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Stage:
    """A plan, and the first shard that it trains on."""

    plan: Plan
    first_shard: int = 0


def stages_of(stem: str, seed: int, quick: bool) -> tuple[Stage, ...]:
    """The schedule that leads to the shipped weights, or a few steps."""
    if quick:
        plan = Plan(steps=30, batch=8, crop_s=8.0, check_every=15, seed=seed, averaging=0.9)
        return (Stage(plan),)
    if stem == "frame_conv":
        first = Plan(steps=6000, batch=8, crop_s=14.0, rate=3e-3, check_every=1000, seed=seed)
        again = replace(first, steps=3600, rate=2.5e-3, check_every=1200, seed=seed + 1)
        return Stage(first), Stage(again)
    half = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    first = Plan(steps=7500, batch=8, crop_s=16.0, check_every=500, seed=seed, half=half)
    # Then at a lower rate where the hard shards are: pauses and singing, and some plain ones.
    second = replace(first, steps=2000, rate=8e-4, averaging=0.995, seed=seed + 1)
    return Stage(first), Stage(second, first_shard=140)


def prepare(job: Job, console: Console) -> None:
    """Banks, training shards and validation cases."""
    if job.quick:
        banks.quick_banks(job.banks, job.seed)
    else:
        assert job.corpus is not None
        console.print("sounds: decoding the corpus, making singing, playing notes")
        banks.build_banks(job.corpus, job.banks, job.seed, job.workers, console.print)
    shards = 1 if job.quick else SHARDS
    with console.status("rendering") as status:

        def told(index: int) -> None:
            status.update(f"rendering: shard {index} of {shards}")

        folder = job.cache / "shards"
        render.render(job.banks, job.corpus, folder, "fit", job.seed, shards, job.workers, told)
        seconds = 25.0 if job.quick else 130.0
        validation.write_cases(
            job.banks, job.corpus, job.cache / "validation", job.seed + 100, seconds, job.workers
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
    cases = validation.read_cases(job.cache / "validation")
    if isinstance(network, Activity):
        recipes.calibrate(network, cases)
    sources: tuple[DataSource, ...] = (
        DataSource(source="generated sounds", licence="MIT", minutes=1.0),
    )
    if job.corpus is not None and not job.quick:
        sources = export.corpus_sources(job.corpus, job.banks)
    described = recipes.describe(
        network,
        TrainingRecord(
            command=job.command, seed=job.seed, hours_of_audio=round(hours, 2), data=sources
        ),
        figures_of(network, cases),
    )
    return export.export(network, described, job.models)


def train(job: Job, console: Console) -> ModelCard:
    """The whole command."""
    prepare(job, console)
    torch.manual_seed(job.seed)
    torch.set_num_threads(job.workers)
    network: Network = Activity() if job.stem == "activity" else FrameConv()
    spec = fronts.FRONTS[job.stem]
    cases = validation.read_cases(job.cache / "validation")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    for index, stage in enumerate(stages_of(job.stem, job.seed, job.quick)):
        material = Material.read(job.cache / "shards", job.stem, spec, stage.first_shard)
        folder = job.runs / f"{job.stem}_{index}"
        run = Run(network, stage.plan, folder, device)
        run.train(material, recipes.LOSSES[job.stem], recipes.checker(cases))
        network = run.load_best()
    hours = render.audio_hours(1 if job.quick else SHARDS)
    card = finish(job, network, hours)
    console.print(f"wrote {job.models / job.stem}.onnx and .json")
    console.print(card.figures)
    return card


@click.command()
@click.argument("stem", type=click.Choice(["frame_conv", "activity"]), metavar="NETWORK")
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
    """Train NETWORK (frame_conv or activity) and write its graph and card."""
    if corpus is None and not quick:
        raise click.UsageError(
            "expected the corpus folder: give --corpus DIR or set STREAMSEG_CORPUS, "
            "or use --quick for generated sounds"
        )
    base = platformdirs.user_cache_path("streamseg") / ("quick" if quick else "training")
    cache = cache or base
    job = Job(
        stem, None if quick else corpus, cache, runs or cache / "runs", models, seed, workers, quick
    )
    train(job, Console())


if __name__ == "__main__":
    main()
