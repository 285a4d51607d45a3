"""The training command of the stem networks: their pieces, schedules, cards and exports."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import torch
from rich.console import Console

from streamseg.models.card import DataSource, ModelCard, TrainingRecord
from streamseg.training import (
    band_data,
    banks,
    data,
    export,
    fronts,
    stem_boundary,
    stem_fit,
    stem_unet,
)
from streamseg.training.band import STEMS
from streamseg.training.export import Described
from streamseg.training.fit import Run
from streamseg.training.job import Job, prepare_bands, record_of
from streamseg.training.stem_data import Cases, Pieces
from streamseg.training.stem_unet import Clips, StemUnet
from streamseg.training.stem_unet_small import BOUNDARY_LOOKAHEAD, BoundaryHead, StemUnetSmall

TITLE = "Stems of music while it plays: drums, bass, other instruments, vocals"
SOURCE = (
    "own, after Music Segmentation Using Deep Learning (Banerjee and Bodhak 2025): its front end's "
    "rate, four sigmoid masks on a mixture, the shares of its losses; the network is another"
)
DEVIATIONS = (
    "Streaming: causal, with 0.51 s of look-ahead in the network beside the 0.09 s of a window.",
    "Masks are trained towards the gain that brings mixture and stem together, phases included, "
    "weighted by the power heard to the 0.75; the paper compares magnitudes. Convergence counts as "
    "a logarithm, bass and other more than drums and vocals.",
    "The boundary curve has a head and a look-ahead of its own (2.0 s), trained on the finished "
    "network; the paper's shares its last layer with the masks.",
    "Trained on pieces made from MIDI files, synthesisers by rule and sung speech, remixed, and on "
    "the corpus' stems; the paper has MUSDB18, whose licence forbids it here.",
)

UNET_TITLE = "Stems of music in clips of 4 s, for files: drums, bass, other instruments, vocals"
UNET_SOURCE = (
    "Music Segmentation Using Deep Learning (Banerjee and Bodhak 2025), the enhanced U-Net"
)
UNET_DEVIATIONS = (
    "The slides print 8,967,941 parameters and no widths; 64, 128, 256 and 512 maps give exactly "
    "as many (biases, shortcuts of 1 x 1, norms without parameters, a boundary head of 65).",
    "Clips are 3.9 s, 168 frames, which three pools of 2 divide. They overlap by a quarter, as the "
    "paper's, and fade into each other; a stream's first clip begins with a quarter of silence.",
    "Magnitudes in the loss count from the root mean square of their clip; a clip without any stem "
    "has no spectral convergence.",
    "Trained on clips of 0.9 s, then 1.9 s, then whole ones, two a step: what two processor cores "
    "can do. The paper tells neither batch nor length of its training.",
    "The boundary head is trained beside the masks (weight 0.1) on pieces joined inside a clip; "
    "the paper does not say how.",
    "Masks are said in 512 frequency units, means of the 1024 bins: single ones up to 2.8 kHz.",
    "Trained on pieces made from MIDI files, synthesisers by rule and sung speech, remixed, and on "
    "the corpus' stems; the paper has MUSDB18, whose licence forbids it here.",
)


def prepare(job: Job, console: Console) -> tuple[Pieces, Cases]:
    """Voices, pieces to train on and cases to choose by."""
    if job.quick:
        banks.quick_banks(job.banks, job.seed)
    else:
        assert job.corpus is not None
        console.print("voices: decoding speech, making singing")
        banks.build_banks(
            job.corpus, job.banks, job.seed, job.workers, console.print, band_data.KINDS
        )
    stock, cases = prepare_bands(job, console)
    return Pieces.read(stock), Cases.read(cases)


def record(job: Job, hours: float) -> TrainingRecord:
    """How the weights came about. Minutes are those of the sources, not of the pieces made."""
    if job.corpus is None or job.quick:
        return record_of(job, hours)
    return TrainingRecord(
        command=job.command,
        seed=job.seed,
        hours_of_audio=round(hours, 2),
        data=sources(job.corpus),
    )


def sources(corpus: Path) -> tuple[DataSource, ...]:
    """Where speech that is made to sing, MIDI files and stems come from, with the minutes there."""
    minutes: dict[tuple[str, str], float] = defaultdict(float)
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    for clip in data.read_manifest(corpus):
        if clip.part == "fit" and clip.label == "speech":
            key = (f"{clip.repo} (speech, made to sing)", clip.licence)
            minutes[key] += clip.duration_s / 60
            names[key].add(clip.attribution)
    for kind in ("midi", "stems"):
        with (corpus / kind / "manifest.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                repo = row["source_repo"]
                if row.get("split", "train") == "train" and repo != band_data.TEST_REPO:
                    spent = float(row["duration_s"]) / 60 / (4 if kind == "stems" else 1)
                    minutes[f"{repo} ({kind})", row["licence"]] += spent
    rows = [
        DataSource(
            source=f"https://github.com/{repo}",
            licence=licence,
            attribution="; ".join(sorted(name for name in names[repo, licence] if name)),
            minutes=round(spent, 2),
        )
        for (repo, licence), spent in sorted(minutes.items())
    ]
    rows += export.soundfonts(both=True)
    made = "generated: drum machines and synthesisers by rule"
    return (*rows, DataSource(source=made, licence="MIT", minutes=0.0))


def describe(
    job: Job, network: StemUnetSmall, stock: Pieces, cases: Cases, boundary: dict[str, float]
) -> Described:
    """The words of the card; ``boundary`` are the figures of the head."""
    figures = stem_fit.figures_of(network, cases)
    figures["boundary_head"] = {
        "data": "sequences composed of validation pieces, noise and silence",
        "lookahead_s": round(BOUNDARY_LOOKAHEAD * fronts.STEM_UNET.hop_s, 2),
        "f_within_0.5_s": round(boundary["score"], 3),
        "threshold": round(boundary["threshold"], 2),
    }
    return Described(
        title=TITLE,
        source=SOURCE,
        deviations=DEVIATIONS,
        overlapping=True,
        front_end=fronts.STEM_UNET_SMALL,
        record=record(job, stock.hours),
        figures=figures,
        receptive_field_s=network.receptive_field_s,
        classes=STEMS,
    )


def train_unet(job: Job, console: Console) -> ModelCard:
    """The whole command of the paper's U-Net."""
    stock, cases = prepare(job, console)
    cases = Cases(cases.excerpts[:1] if job.quick else cases.excerpts).bands_only()
    torch.manual_seed(job.seed)
    torch.set_num_threads(job.workers)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    plan = stem_unet.plan_of(job.seed, job.quick)
    run = Run(StemUnet(), plan, job.runs / f"{job.stem}_0", device)
    run.train(Clips(stock), stem_unet.loss, stem_fit.checker(stem_unet.some(cases)))
    network = run.load_best()
    described = Described(
        title=UNET_TITLE,
        source=UNET_SOURCE,
        deviations=UNET_DEVIATIONS,
        overlapping=True,
        front_end=fronts.STEM_UNET,
        record=record(job, stock.hours),
        figures=stem_fit.figures_of(network, cases),
        receptive_field_s=stem_unet.FRAMES * fronts.STEM_UNET.hop_s,
        classes=STEMS,
    )
    card = export.export(network, described, job.models)
    console.print(f"wrote {job.models / job.stem}.onnx and .json")
    console.print(card.figures)
    return card


def train(job: Job, console: Console) -> ModelCard:
    """The whole command of the small network."""
    stock, cases = prepare(job, console)
    torch.manual_seed(job.seed)
    torch.set_num_threads(job.workers)
    network = StemUnetSmall()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    plan = stem_fit.plan_of(job.seed, job.quick)
    run = Run(network, plan, job.runs / f"{job.stem}_0", device)
    run.train(stock, stem_fit.loss, stem_fit.checker(cases))
    run.load_best()
    boundary = train_head(job, network, stock)
    card = export.export(network, describe(job, network, stock, cases, boundary), job.models)
    console.print(f"wrote {job.models / job.stem}.onnx and .json")
    console.print(card.figures)
    return card


def train_head(job: Job, network: StemUnetSmall, stock: Pieces) -> dict[str, float]:
    """Train the boundary head on the frozen ``network`` and put it there; its figures."""
    held_out = stem_boundary.cases_of(
        Pieces.read(banks.pieces_of(job.cache, "validation")), job.quick
    )
    torch.manual_seed(job.seed)
    plan = stem_boundary.plan_of(job.seed, job.quick)
    run = Run(BoundaryHead(), plan, job.runs / f"{job.stem}_1")
    check = stem_boundary.checker(network, held_out)
    run.train(stem_boundary.Sequences(stock, network), stem_boundary.loss, check)
    head = run.load_best()
    network.head.load_state_dict(head.state_dict())
    return check(head)
