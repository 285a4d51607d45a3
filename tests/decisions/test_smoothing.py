"""Level gate and centred mean: what they compute, and that splits do not matter."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamseg.decisions.smoothing import CentredMean, Frames, LevelGate

LOUD, QUIET = -20.0, -80.0


def gate(shortest_s: float = 0.3) -> LevelGate:
    """Three frames (at 0.1 s) are the shortest silence."""
    return LevelGate(classes=1, hop_s=0.1, silence_dbfs=-60.0, shortest_s=shortest_s)


def levels(pattern: str) -> np.ndarray:
    """One frame a character: ``#`` is loud, ``.`` is quiet."""
    return np.array([LOUD if mark == "#" else QUIET for mark in pattern], np.float32)


def gated(pattern: str) -> str:
    """The pattern after the gate, all in one block."""
    machine = gate()
    level_dbfs = levels(pattern)
    out = machine.push(np.ones((len(pattern), 1), np.float32), level_dbfs).then(machine.flush())
    assert np.array_equal(out.level_dbfs, level_dbfs)
    assert np.array_equal(out.scores[:, 0] > 0, out.audible)
    return "".join("#" if audible else "." for audible in out.audible)


def mean_of(scores: list[float], audible: str, smooth_s: float) -> list[float]:
    """Smoothed scores of one class at a hop of 0.1 s."""
    machine = CentredMean(1, 0.1, smooth_s)
    mask = np.array([mark == "#" for mark in audible])
    column = np.array(scores, np.float32)[:, None]
    out = machine.push(Frames(column, levels(audible), mask)).then(machine.flush())
    return [round(float(score), 4) for score in out.scores[:, 0]]


def test_a_dip_shorter_than_the_limit_stays_audible() -> None:
    """Two quiet frames between loud ones are no silence when three are asked for."""
    assert gated("##..##") == "######"


def test_a_silence_keeps_its_edges() -> None:
    """A run of three or more quiet frames is silent from its first to its last frame."""
    assert gated("##...#.#....") == "##...###...."


def test_a_stream_may_begin_silent() -> None:
    """A quiet run at the very beginning counts when it is long enough."""
    assert gated("...##") == "...##"
    assert gated("..##") == "####"


def test_a_short_quiet_end_stays_audible() -> None:
    """Two quiet frames before the end could still have become a pause between words."""
    assert gated("###..") == "#####"


def test_loud_frames_are_not_held_back() -> None:
    """The gate delays quiet frames alone: loud ones come out in the same call."""
    machine = gate()
    assert len(machine.push(np.ones((4, 1), np.float32), levels("####"))) == 4
    assert len(machine.push(np.ones((2, 1), np.float32), levels(".."))) == 0
    assert len(machine.push(np.ones((1, 1), np.float32), levels("."))) == 3


def test_the_level_on_the_threshold_is_audible() -> None:
    """Silence is below the threshold, not at it."""
    out = gate().push(np.ones((5, 1), np.float32), np.full(5, -60.0, np.float32))
    assert out.audible.all()


def test_mean_over_a_centred_window() -> None:
    """0.2 s at a hop of 0.1 s is one frame to the left and one to the right."""
    assert mean_of([0, 0, 0.9, 0, 0], "#####", 0.2) == [0, 0.3, 0.3, 0.3, 0]


def test_windows_shrink_at_the_ends() -> None:
    """The first and the last frame are averaged over what there is."""
    assert mean_of([1, 0, 0, 0.5], "####", 0.2) == [0.5, 0.3333, 0.1667, 0.25]


def test_silent_frames_do_not_pull_their_neighbours_down() -> None:
    """The first frame after a silence has its full score, and the silence has none."""
    assert mean_of([0.9, 0.9, 0.9, 0.6, 0.6], "...##", 0.4) == [0, 0, 0, 0.6, 0.6]


def test_without_smoothing_scores_pass_unchanged() -> None:
    """smooth_s = 0 is the identity, without delay."""
    machine = CentredMean(1, 0.1, 0.0)
    assert machine.delay_frames == 0
    assert mean_of([0.1, 0.9, 0.3], "###", 0.0) == [0.1, 0.9, 0.3]


def test_a_frame_leaves_when_its_window_is_complete() -> None:
    """With two frames to the right, the first of five frames leaves with the third."""
    machine = CentredMean(1, 0.1, 0.4)
    one = Frames(np.ones((1, 1), np.float32), levels("#"), np.array([True]))
    assert [len(machine.push(one)) for _ in range(5)] == [0, 0, 1, 1, 1]
    assert len(machine.flush()) == 2


@given(
    scores=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60),
    seed=st.integers(0, 2**32 - 1),
    smooth_s=st.sampled_from([0.0, 0.2, 0.5, 1.3]),
)
def test_any_split_gives_the_same_bits(scores: list[float], seed: int, smooth_s: float) -> None:
    """Gate and mean give identical floats for one block and for any split into blocks."""
    random = np.random.default_rng(seed)
    column = np.array(scores, np.float32)[:, None]
    level_dbfs = np.where(random.random(len(scores)) < 0.6, QUIET, LOUD).astype(np.float32)
    cuts = np.sort(random.integers(0, len(scores) + 1, random.integers(0, 8)))

    def run(pieces: list[slice]) -> Frames:
        first, second = gate(), CentredMean(1, 0.1, smooth_s)
        out = Frames.empty(1)
        for piece in pieces:
            out = out.then(second.push(first.push(column[piece], level_dbfs[piece])))
        return out.then(second.push(first.flush())).then(second.flush())

    edges = [0, *cuts.tolist(), len(scores)]
    split = run([slice(a, b) for a, b in itertools.pairwise(edges)])
    whole = run([slice(None)])
    assert len(whole) == len(scores)
    assert np.array_equal(split.scores, whole.scores)
    assert np.array_equal(split.audible, whole.audible)
    assert np.array_equal(split.level_dbfs, level_dbfs)
