"""``python -m streamseg.evaluation COMMAND [DIR]``: one table of ``docs/results.md`` a command."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import click
import platformdirs
from rich.console import Console
from rich.progress import track

from streamseg.errors import StreamsegError
from streamseg.evaluation import comparison, tables
from streamseg.evaluation.analyser import Analyser, network_analyser
from streamseg.evaluation.clips import ClipScore, score_clip
from streamseg.evaluation.programmes import ProgrammeScore, score_programme
from streamseg.evaluation.truth import (
    Clip,
    Programme,
    banks_folder,
    corpus_folder,
    read_clips,
    read_programmes,
)
from streamseg.settings import ModelSettings

Item = TypeVar("Item")


def evaluate_programmes(
    programmes: Iterable[Programme], analyse: Analyser
) -> dict[str, ProgrammeScore]:
    """One score a condition, in the order in which they come."""
    scores: dict[str, ProgrammeScore] = {}
    for programme in programmes:
        score = score_programme(programme, analyse(programme.audio))
        known = scores.get(programme.condition)
        scores[programme.condition] = known + score if known else score
    return scores


def evaluate_clips(clips: Iterable[Clip], analyse: Analyser) -> ClipScore:
    """One score over all clips."""
    each = (score_clip(clip.label, analyse(clip.audio)) for clip in clips)
    return functools.reduce(lambda one, other: one + other, each)


@click.group()
def main() -> None:
    """How well a network and its decisions hear."""


def _common(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("-m", "--model", default=ModelSettings().name, show_default=True),
        click.option("--json", "json_path", type=click.Path(path_type=Path), help="write figures"),
    )
    for option in options:
        command = option(command)
    return command


@main.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@_common
def programmes(folder: Path | None, model: str, json_path: Path | None) -> None:
    """Score the composed broadcasts of FOLDER (index.csv, and sound and truth of each).

    Without FOLDER: $STREAMSEG_CORPUS/programmes.
    """
    found = read_programmes(corpus_folder(folder, "programmes"))
    scores = evaluate_programmes(_progress(found), network_analyser(model))
    total = functools.reduce(lambda one, other: one + other, scores.values())
    Console(width=140).print(tables.programme_table(scores, total))
    if json_path:
        conditions = {name: tables.programme_record(score) for name, score in scores.items()}
        record = {"model": model, **tables.programme_record(total), "conditions": conditions}
        tables.write_json(json_path, record)


@main.command()
@click.argument("corpus", required=False, type=click.Path(path_type=Path))
@_common
def clips(corpus: Path | None, model: str, json_path: Path | None) -> None:
    """Score the clips of split eval in CORPUS/manifest.csv.

    Without CORPUS: $STREAMSEG_CORPUS.
    """
    found = read_clips(corpus_folder(corpus))
    score = evaluate_clips(_progress(found), network_analyser(model))
    Console().print(tables.clip_table(score))
    if json_path:
        tables.write_json(json_path, {"model": model, **tables.clip_record(score)})


@main.command()
@click.argument("corpus", required=False, type=click.Path(path_type=Path))
@click.option("-m", "--model", "models", multiple=True, required=True, help="repeat to compare")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="write figures")
def compare(corpus: Path | None, models: tuple[str, ...], json_path: Path | None) -> None:
    """Accuracy per segment and per clip, and whether the networks' difference is more than luck.

    Over the clips of split eval in CORPUS/manifest.csv; without CORPUS: $STREAMSEG_CORPUS.
    """
    found = read_clips(corpus_folder(corpus))
    answers = {
        model: comparison.answer_all(_progress(found), network_analyser(model)) for model in models
    }
    compared = comparison.compare(answers)
    console = Console(width=120)
    console.print(comparison.accuracy_table(answers))
    if compared:
        console.print(comparison.difference_table(compared))
    if json_path:
        tables.write_json(json_path, comparison.comparison_record(answers, compared))


@main.command()
@click.argument("corpus", required=False, type=click.Path(path_type=Path))
@_common
def robustness(corpus: Path | None, model: str, json_path: Path | None) -> None:
    """Score the clips of split eval under each of ten degradations.

    Without CORPUS: $STREAMSEG_CORPUS.
    """
    from streamseg.evaluation import robustness as task
    from streamseg.evaluation.made import hearing

    found = task.evaluate(
        _progress(read_clips(corpus_folder(corpus))), hearing(network_analyser(model))
    )
    Console().print(task.robustness_table(found))
    if json_path:
        tables.write_json(json_path, {"model": model, **task.robustness_record(found)})


@main.command()
@click.argument("corpus", required=False, type=click.Path(path_type=Path))
@_common
def singing(corpus: Path | None, model: str, json_path: Path | None) -> None:
    """Show what singing is taken for: alone, far away, as a choir, over noise, with instruments.

    From the clips and vocal stems of split eval. Without CORPUS: $STREAMSEG_CORPUS.
    """
    from streamseg.evaluation import singing as task
    from streamseg.evaluation.made import hearing

    found = task.evaluate(task.materials(corpus_folder(corpus)), hearing(network_analyser(model)))
    Console(width=120).print(task.taken_table(found, "What singing is taken for"))
    if json_path:
        tables.write_json(json_path, {"model": model, **task.singing_record(found)})


@main.command()
@click.argument("cache", type=click.Path(path_type=Path, exists=True))
@_common
def held_out(cache: Path, model: str, json_path: Path | None) -> None:
    """Show what sounds held out of training are taken for, kind by kind; CACHE is training's."""
    from streamseg.evaluation import held_out as task
    from streamseg.evaluation import singing
    from streamseg.evaluation.made import hearing

    sounds = _progress(task.materials(banks_folder(cache)))
    found = singing.evaluate(sounds, hearing(network_analyser(model)))
    Console(width=140).print(singing.taken_table(found, "What held-out sounds are taken for"))
    if json_path:
        tables.write_json(json_path, {"model": model, **singing.singing_record(found)})


@main.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@_common
def lookahead(folder: Path | None, model: str, json_path: Path | None) -> None:
    """Accuracy against look-ahead, and against how far back the network remembers.

    Over the composed broadcasts of FOLDER; without it: $STREAMSEG_CORPUS/programmes.
    """
    from streamseg.evaluation import lookahead as task

    rows = task.evaluate(_progress(read_programmes(corpus_folder(folder, "programmes"))), model)
    Console(width=120).print(task.lookahead_table(rows))
    if json_path:
        tables.write_json(json_path, {"model": model, **task.lookahead_record(rows)})


@main.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@_common
def alarms(folder: Path | None, model: str, json_path: Path | None) -> None:
    """Show which alarms about the programme the truth deserves, and which ones come.

    Over the composed broadcasts of FOLDER; without it: $STREAMSEG_CORPUS/programmes.
    """
    from streamseg.evaluation import alarms as task

    found = _progress(read_programmes(corpus_folder(folder, "programmes")))
    scores = task.evaluate(found, network_analyser(model))
    Console(width=120).print(task.alarms_table(scores))
    if json_path:
        tables.write_json(json_path, {"model": model, "alarms": task.alarms_record(scores)})


@main.command()
@click.argument("corpus", required=False, type=click.Path(path_type=Path))
@click.option("--sets", default=120, show_default=True, help="excerpts of each class")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="write figures")
def masks(corpus: Path | None, sets: int, json_path: Path | None) -> None:
    """Score the masks: AUC by signal-to-noise ratio, and what keeping a class improves.

    On excerpts from the clips of split eval. Without CORPUS: $STREAMSEG_CORPUS.
    """
    from streamseg.evaluation import masks as task
    from streamseg.evaluation.excerpts import excerpt_sets
    from streamseg.evaluation.mask_ear import MaskEar

    found = _progress(list(excerpt_sets(corpus_folder(corpus), sets)))
    score = task.evaluate(found, MaskEar())
    for table in task.mask_tables(score):
        Console(width=120).print(table)
    if json_path:
        tables.write_json(json_path, {"model": "window_mask", **task.mask_record(score)})


@main.command()
@click.argument("corpus", required=False, type=click.Path(path_type=Path))
@click.option("-m", "--model", "models", multiple=True, help="stem networks; default: all")
@click.option("--cache", type=click.Path(path_type=Path), help="where test pieces are rendered")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="write figures")
def stems(
    corpus: Path | None, models: tuple[str, ...], cache: Path | None, json_path: Path | None
) -> None:
    """Score masks of drums, bass, other and vocals: median SDR, beside baselines and the oracle.

    On test pieces, rendered once from CORPUS (or $STREAMSEG_CORPUS) into the cache.
    """
    from streamseg.evaluation import separation
    from streamseg.evaluation import stems as task
    from streamseg.models import BAND_STEMS, CLIP_STEMS, load_stem_network

    ways: dict[str, separation.Way] = dict(separation.BASELINES)
    late: dict[str, float] = {}
    for stem in models or (*BAND_STEMS, *CLIP_STEMS):
        network = load_stem_network(stem, "cpu")
        ways[stem] = separation.drawn_by(network)
        late[stem] = separation.lookahead_s(network)
    ways |= separation.LIMITS
    found = list(task.held_out_excerpts(corpus_folder(corpus), _cache(cache)))
    scores = task.evaluate(_progress(found), ways)
    for real in (None, False, True):
        Console(width=140).print(task.stems_table(scores, late, real))
    if json_path:
        tables.write_json(json_path, task.stems_record(scores))


@main.command()
@click.argument("corpus", required=False, type=click.Path(path_type=Path))
@click.option("-m", "--model", "models", multiple=True, default=("stem_unet_small",))
@click.option(
    "--of",
    "kinds",
    multiple=True,
    type=click.Choice(("songs", "programmes")),
    default=("songs", "programmes"),
    help="recordings; default: both",
)
@click.option("--cache", type=click.Path(path_type=Path), help="where test pieces are rendered")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="write figures")
def boundaries(
    corpus: Path | None,
    models: tuple[str, ...],
    kinds: tuple[str, ...],
    cache: Path | None,
    json_path: Path | None,
) -> None:
    """Score boundaries: hit rate within 0.5 s and 3 s on composed songs and the programmes.

    From CORPUS (or $STREAMSEG_CORPUS); the test pieces of ``stems`` make the songs. MODEL has a
    boundary head: stem_unet_small, or stem_unet, which is slower than what it hears.
    """
    from streamseg.evaluation import boundaries as task
    from streamseg.evaluation import stems as pieces
    from streamseg.models import load_stem_network

    folder = corpus_folder(corpus)
    networks = [load_stem_network(stem, "cpu") for stem in models]
    recordings: dict[str, list[task.Joined]] = {}
    if "songs" in kinds:
        pieces.render_test(folder, _cache(cache))
        mixtures = task.held_out_mixtures(_cache(cache) / "stem_test")
        recordings["songs"] = list(task.songs(mixtures))
    if "programmes" in kinds:
        recordings["programmes"] = list(task.programmes(read_programmes(folder / "programmes")))
    found = {
        kind: task.evaluate(_progress(joined), networks=networks)
        for kind, joined in recordings.items()
    }
    Console(width=140).print(task.boundaries_table(found))
    if json_path:
        tables.write_json(json_path, task.boundaries_record(found))


def _cache(folder: Path | None) -> Path:
    return folder or platformdirs.user_cache_path("streamseg") / "evaluation"


def _progress(items: Iterable[Item]) -> Iterable[Item]:
    return track(items, "hearing", console=Console(stderr=True), transient=True)


if __name__ == "__main__":
    try:
        main()
    except StreamsegError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
