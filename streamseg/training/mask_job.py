"""The training command of ``window_mask``: its scenes, schedule, card and export."""

from __future__ import annotations

import torch
from rich.console import Console

from streamseg.models.card import MapSpec, ModelCard
from streamseg.training import export, fronts, mask_data, mask_fit, scenes
from streamseg.training.export import Described
from streamseg.training.fit import Run
from streamseg.training.job import Job, prepare_banks, record_of
from streamseg.training.mask_data import Pictures
from streamseg.training.window_mask import WINDOW_BINS, WINDOW_FRAMES, WindowMask

TITLE = "Whose is which part of the spectrogram: music, speech or noise"
SOURCE = (
    "Music-noise segmentation in spectrotemporal domain using convolutional neural networks (ISMIR "
    "late-breaking), sections 2 and 3, figures 1 to 3"
)
DEVIATIONS = (
    "Three classes (music, speech, noise) where the paper has two: a monitor hears voices.",
    "192 bins (16.5 kHz) go in: 9 windows of 64 at steps of 16, read from the paper's M = 9. At "
    "most 4 of them cover a unit along frequency, so a unit is the mean over at most 4 x 16 "
    "windows, over fewer at the borders.",
    "Convolutions are unpadded (the paper does not say): four of them with their pools bring "
    "64 x 256 to exactly 2 x 14, and the window's dense layer is a 2 x 14 convolution. The last "
    "two columns of a window are lost where a pool meets an odd number.",
    "Decibels with a floor of -100 go in, the paper does not say which scale.",
    "Trained with batch normalisation after each pool, folded into the convolutions in the graph; "
    "Muon (Jordan et al. 2024) instead of plain gradient descent, which was behind in short runs.",
    "Targets are soft: the mean over a window's units of each class's share of power to the "
    f"{mask_data.SHARE_EXPONENT:g}, from components that are known apart (the paper's windows "
    "are of one class). So a probability orders, and says who dominates; it is no power share.",
    "Silence is told by level outside the network.",
)


def prepare(job: Job, console: Console) -> tuple[Pictures, Pictures]:
    """Banks, scenes to train on and cases to choose by."""
    prepare_banks(job, console)
    shards, sets = (1, 2) if job.quick else (mask_fit.SHARDS, mask_fit.SETS)
    done = 0
    with console.status("rendering") as status:

        def told(_: int) -> None:
            nonlocal done
            done += 1
            status.update(f"rendering: {done} shards of {shards}")

        stock, cases = job.cache / "mask_scenes", job.cache / "mask_cases"
        mask_data.render(job.banks, job.corpus, stock, job.seed, shards, job.workers, told)
        mask_data.render_cases(job.banks, job.corpus, cases, job.seed + 100, sets)
    return Pictures.read(stock), Pictures.read(cases)


def describe(job: Job, network: WindowMask, stock: Pictures, cases: Pictures) -> Described:
    """The words of the card."""
    hours = len(stock.names) * scenes.COUNT / fronts.WINDOW_MASK.rate_hz / 3600
    return Described(
        title=TITLE,
        source=SOURCE,
        deviations=DEVIATIONS,
        overlapping=False,
        front_end=fronts.WINDOW_MASK,
        record=record_of(job, hours, export.BROAD),
        figures=mask_fit.figures_of(network, cases),
        receptive_field_s=network.receptive_field_s,
        map=MapSpec(
            unit_frames=scenes.UNIT,
            unit_bins=scenes.UNIT,
            window_frames=WINDOW_FRAMES,
            window_bins=WINDOW_BINS,
        ),
    )


def train(job: Job, console: Console) -> ModelCard:
    """The whole command."""
    stock, cases = prepare(job, console)
    torch.manual_seed(job.seed)
    torch.set_num_threads(job.workers)
    network = WindowMask()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    plan = mask_fit.plan_of(job.seed, job.quick)
    run = Run(network, plan, job.runs / f"{job.stem}_0", device)
    # Half of the cases are enough to choose by, and half the time.
    run.train(stock, mask_fit.loss, mask_fit.checker(cases, plan.half, share_of_cases=0.5))
    run.load_best()
    folded = network.folded()
    card = export.export(folded, describe(job, folded, stock, cases), job.models)
    console.print(f"wrote {job.models / job.stem}.onnx and .json")
    console.print(card.figures)
    return card
