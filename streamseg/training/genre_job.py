"""The training command of ``stem_genre``: pieces, stems found in them, card and export."""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from streamseg.models.card import DataSource, ModelCard, OutputSpec, TrainingRecord
from streamseg.models.session import Session
from streamseg.training import export, genre_fit, genre_pieces
from streamseg.training.dance.genres import GENRES
from streamseg.training.dance.voices import voice_clips
from streamseg.training.fit import Run
from streamseg.training.fronts import STEM_UNET_SMALL
from streamseg.training.genre_data import FRAMES, Song, songs_of
from streamseg.training.genre_fit import Crops
from streamseg.training.genre_network import StemGenre
from streamseg.training.genre_pieces import PICTURE, STEP_FRAMES, Lot, Pictures, Place
from streamseg.training.job import Job

STEM_NETWORK = "stem_unet_small"
"""The network whose stems are heard."""
PER_GENRE: dict[Lot, int] = {"fit": 36, "validation": 14, "test": 12}
TITLE = "Kind of dance music, from three stems; taught on generated music only"
SOURCE = (
    "Electronic dance music genre classification from separated stems (separated-stem-genre): its "
    '"3 spec, 2DConv", which is its best'
)
DEVIATIONS = (
    "Six kinds of generated music (house, techno, trance, drum and bass, dubstep, breakbeat); the "
    "paper has 66 records of six genres. It has been shown no record.",
    f"Stems are found by {STEM_NETWORK} while music plays (the paper: by Spleeter, offline); mel "
    "bands are made of its units times the mask squared, not of the sound of a stem.",
    "A quarter of the training windows has the exact stems, all of them other levels and another "
    "equaliser; windows begin anywhere in a piece.",
    "Decibels count from the loudest of the three stems in the window.",
    "Filters, kernels, pools, penalties and rate, which the paper's text does not give, were "
    "chosen on validation pieces, and so was the step to stop at (the paper: six epochs); no class "
    "weights, since the classes are equally large.",
    "Answers are made softer or sharper by one factor that was fitted on validation pieces.",
)


def songs(lot: Lot, quick: bool) -> list[Song]:
    """The pieces of a lot; in quick mode one of each genre, and two to choose by."""
    if quick:
        return songs_of(1)[: 6 if lot == "fit" else 2]
    return songs_of(PER_GENRE[lot])


def prepare(job: Job, lots: tuple[Lot, ...], console: Console) -> list[Pictures]:
    """Pieces of some lots with their stems, made where they are missing."""
    pictures = []
    with console.status("making pieces") as status:
        for lot in lots:
            place = Place(job.cache, job.corpus, lot, job.seed)
            asked = songs(lot, job.quick)
            genre_pieces.render(place, asked, None, STEM_NETWORK, job.workers, status.update)
            pictures.append(genre_pieces.read(place, asked, None, STEM_NETWORK))
    return pictures


def record(job: Job, stock: Pictures) -> TrainingRecord:
    """How the weights came about. Minutes are those of the voices, and of all generated music."""
    clips = voice_clips(job.corpus, part="fit") if job.corpus else ()
    rows = export.clip_sources(clips, 6.0, " (voices, some seconds each)")
    made = "generated dance music: drum machines, synthesisers and patterns by rule"
    rows.append(DataSource(source=made, licence="MIT", minutes=round(stock.hours * 60, 1)))
    return TrainingRecord(
        command=job.command, seed=job.seed, hours_of_audio=round(stock.hours, 2), data=tuple(rows)
    )


def graph_bytes(network: StemGenre) -> bytes:
    """The network as ONNX: ``features`` (batch, 3, 128, 458) to ``prob`` (batch, 6)."""
    buffer = io.BytesIO()
    shape = (2, len(PICTURE.stems), PICTURE.bands, PICTURE.frames)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.zeros(shape),),
            buffer,  # type: ignore[arg-type]
            input_names=["features"],
            output_names=["prob"],
            dynamic_axes={"features": {0: "batch"}, "prob": {0: "batch"}},
            opset_version=17,
            dynamo=False,  # the other exporter needs onnxscript
        )
    return buffer.getvalue()


def macs_per_s(network: StemGenre) -> float:
    """Multiplications of the network for a second of sound, and of the mel bands of its stems."""
    bands, frames, channels = PICTURE.bands, PICTURE.frames, len(PICTURE.stems)
    shape, total = network.shape, 0
    for filters, kernel, pool in zip(shape.filters, shape.kernels, shape.pools, strict=True):
        total += bands * frames * filters * channels * kernel[0] * kernel[1]
        channels, bands, frames = filters, bands // pool[0], frames // pool[1]
    total += network.dense.weight.numel()
    a_frame = len(PICTURE.stems) * 512 * PICTURE.bands
    return (total / STEP_FRAMES + a_frame) / STEM_UNET_SMALL.hop_s


def card_of(
    job: Job, network: StemGenre, stock: Pictures, cases: Pictures, graph: bytes
) -> ModelCard:
    """The card that belongs to a graph."""
    return ModelCard(
        schema=1,
        stem=network.stem,
        title=TITLE,
        source=SOURCE,
        deviations=DEVIATIONS,
        classes=tuple(GENRES),
        overlapping=False,
        front_end=STEM_UNET_SMALL,
        stride=STEP_FRAMES,
        outputs=(OutputSpec(name="prob", role="confirmed", lookahead_frames=FRAMES),),
        picture=PICTURE,
        state=(),
        receptive_field_s=round(network.receptive_field_s, 3),
        macs_per_audio_s=round(macs_per_s(network)),
        parameters=network.parameters_count(),
        training=record(job, stock),
        figures=genre_fit.figures_of(network, cases),
        sha256=hashlib.sha256(graph).hexdigest(),
    )


def parity(network: StemGenre, path: Path, card: ModelCard, cases: Pictures) -> float:
    """Largest difference between torch and onnxruntime. Raises RuntimeError above a limit."""
    pictures = genre_fit.as_input(cases.found[:12, :FRAMES])
    (got,), _ = Session(path, card, "cpu").run(pictures.numpy(), [])
    with torch.no_grad():
        (want,) = network(pictures)
    gap = float(np.abs(got - want.numpy()).max())
    if gap > export.TOLERANCE:
        raise RuntimeError(
            f"expected a difference below {export.TOLERANCE}, got {gap}; nothing exported"
        )
    return gap


def write(job: Job, network: StemGenre, stock: Pictures, cases: Pictures) -> ModelCard:
    """Graph and card into ``job.models``, or raise and leave what was there."""
    graph = graph_bytes(network)
    card = card_of(job, network, stock, cases, graph)
    job.models.mkdir(parents=True, exist_ok=True)
    parts = (job.models / f"{network.stem}.onnx.part", job.models / f"{network.stem}.json.part")
    parts[0].write_bytes(graph)
    try:
        gap = parity(network, parts[0], card, cases)
        said = {"parity": {"torch_against_onnxruntime": float(f"{gap:.2g}")}}
        card = card.model_copy(update={"figures": {**card.figures, **said}})
        parts[1].write_text(card.model_dump_json(by_alias=True, indent=1) + "\n")
        for part in parts:
            part.rename(part.with_suffix(""))
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return card


def train(job: Job, console: Console) -> ModelCard:
    """The whole command."""
    stock, cases = prepare(job, ("fit", "validation"), console)
    torch.manual_seed(job.seed)
    torch.set_num_threads(job.workers)
    network = StemGenre()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    heard = genre_pieces.network_of(None, STEM_NETWORK).card.sha256[:8]
    folder = job.runs / f"{job.stem}_{heard}"  # other stems, another run
    run = Run(network, genre_fit.plan_of(job.seed, job.quick), folder, device)
    run.train(Crops(stock), genre_fit.loss, genre_fit.checker(cases))
    run.load_best()
    console.print(f"answers times {genre_fit.calibrate(network, cases):.2f}")
    card = write(job, network, stock, cases)
    console.print(f"wrote {job.models / job.stem}.onnx and .json")
    console.print(card.figures)
    return card
