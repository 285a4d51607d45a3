"""The decider: samples, silence, gaps, and what holds for every stream."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamseg.decisions.segments import Closed, Decider, Decision, Opened
from streamseg.messages import Estimate, FrameGrid, Segment
from streamseg.settings import DecisionSettings

CLASSES = ("music", "speech", "noise")
GRID = FrameGrid(rate_hz=1000, hop_s=0.1, first_centre_s=0.05)  # frame k: samples 100k to 100k+100
RAW = DecisionSettings(
    smooth_s=0.0, min_on_s=0.3, min_off_s=0.3, silence_min_on_s=0.5, heartbeat_s=1000.0
)


def estimate(
    scores: np.ndarray, level_dbfs: np.ndarray | None = None, first_frame: int = 0, origin: int = 0
) -> Estimate:
    """Scores of shape (n, 3); loud unless told otherwise."""
    if level_dbfs is None:
        level_dbfs = np.full(len(scores), -20.0)
    zeros = np.zeros_like(scores, np.float32)
    return Estimate(
        source="test",
        classes=CLASSES,
        provisional=zeros,
        confirmed=scores.astype(np.float32),
        level_dbfs=level_dbfs.astype(np.float32),
        first_frame=first_frame,
        origin=origin,
    )


def only(label: str, pattern: str) -> np.ndarray:
    """Scores with one class at 0.9 in the frames marked ``#``."""
    scores = np.zeros((len(pattern), 3))
    scores[:, CLASSES.index(label)] = [0.9 if mark == "#" else 0.0 for mark in pattern]
    return scores


def closed(decisions: list[Decision]) -> list[Segment]:
    """The segments, in the order in which they were closed."""
    return [decision.segment for decision in decisions if isinstance(decision, Closed)]


def spans(decisions: list[Decision]) -> list[tuple[str, int, int]]:
    """Label, start and end of the segments."""
    return [(segment.label, segment.start, segment.end) for segment in closed(decisions)]


def test_segments_lie_on_the_sample_counter() -> None:
    """Frames 5 to 9 at 100 samples a frame are samples 500 to 1000 after the origin."""
    decider = Decider(CLASSES, GRID, RAW)
    decisions = decider.push(estimate(only("speech", "....." + "#####" + "....."), origin=7000))
    assert decisions[0] == Opened("speech", 7500)
    assert spans(decisions) == [("speech", 7500, 8000)]


def test_classes_may_overlap() -> None:
    """A voice over a bed is two segments at the same time."""
    decider = Decider(CLASSES, GRID, RAW)
    scores = only("music", "##########") + only("speech", "..#####...")
    decisions = decider.push(estimate(scores)) + decider.flush(1000)
    assert spans(decisions) == [("speech", 200, 700), ("music", 0, 1000)]


def test_the_confirmed_scores_decide() -> None:
    """Provisional scores alone open nothing."""
    decider = Decider(CLASSES, GRID, RAW)
    shown = estimate(only("music", "##########"))
    swapped = Estimate(
        shown.source, CLASSES, shown.confirmed, shown.provisional, shown.level_dbfs, 0, 0
    )
    assert decider.push(swapped) + decider.flush(1000) == []


def test_silence_is_decided_by_level() -> None:
    """A class score in silence counts for nothing, and the silence is a segment of its own."""
    decider = Decider(CLASSES, GRID, RAW)
    level_dbfs = np.array([-20.0] * 5 + [-75.0] * 8 + [-20.0] * 5)
    decisions = decider.push(estimate(only("music", "#" * 18), level_dbfs)) + decider.flush(1800)
    assert spans(decisions) == [("music", 0, 500), ("silence", 500, 1300), ("music", 1300, 1800)]
    silence = closed(decisions)[1]
    assert silence.level_dbfs == pytest.approx(-75.0, abs=1e-3)
    assert silence.score_mean == 1.0


def test_a_short_pause_is_left_to_the_network() -> None:
    """0.4 s is less than silence_min_on_s: the scores in the pause count as they are."""
    level_dbfs = np.array([-20.0] * 5 + [-75.0] * 4 + [-20.0] * 5)
    for pattern, expected in (
        ("#" * 14, [("speech", 0, 1400)]),
        ("#####....#####", [("speech", 0, 500), ("speech", 900, 1400)]),
    ):
        decider = Decider(CLASSES, GRID, RAW)
        decisions = decider.push(estimate(only("speech", pattern), level_dbfs))
        assert spans(decisions + decider.flush(1400)) == expected


def test_only_long_silences_are_reported_if_so_set() -> None:
    """With silence_min_on_s = 2 a silence of 1.5 s has no segment, and still no class sounds."""
    decider = Decider(CLASSES, GRID, RAW.model_copy(update={"silence_min_on_s": 2.0}))
    level_dbfs = np.array([-20.0] * 5 + [-75.0] * 15 + [-20.0] * 5)
    decisions = decider.push(estimate(only("music", "#" * 25), level_dbfs)) + decider.flush(2500)
    assert spans(decisions) == [("music", 0, 500), ("music", 2000, 2500)]


def test_a_click_does_not_end_a_silence() -> None:
    """One loud frame is shorter than any sound that counts."""
    decider = Decider(CLASSES, GRID, RAW)
    level_dbfs = np.array([-75.0] * 6 + [-20.0] + [-75.0] * 6)
    decisions = decider.push(estimate(only("music", "." * 13), level_dbfs)) + decider.flush(1300)
    assert spans(decisions) == [("silence", 0, 1300)]


def test_smoothing_bridges_single_frames() -> None:
    """With smooth_s a lone wrong frame neither opens nor ends anything."""
    smoothed = RAW.model_copy(update={"smooth_s": 0.4})
    decider = Decider(CLASSES, GRID, smoothed)
    scores = only("speech", "#####.#####") + only("noise", ".....#.....")
    decisions = decider.push(estimate(scores)) + decider.flush(1100)
    assert spans(decisions) == [("speech", 0, 1100)]


def test_a_sound_still_on_air_ends_with_the_stream() -> None:
    """The last frame stands for what follows it up to the end of the stream."""
    decider = Decider(CLASSES, GRID, RAW)
    decisions = decider.push(estimate(only("music", "..########"))) + decider.flush(1042)
    assert spans(decisions) == [("music", 200, 1042)]


def test_nothing_ends_after_the_end_of_the_stream() -> None:
    """A last frame that reaches past the end is cut there."""
    decider = Decider(CLASSES, GRID, RAW)
    decisions = decider.push(estimate(only("music", "########.."))) + decider.flush(790)
    assert spans(decisions) == [("music", 0, 790)]


def test_the_first_frame_stands_for_what_came_before_its_centre() -> None:
    """A network whose first frame is centred at 0.5 s still starts its segment at the origin."""
    late = FrameGrid(rate_hz=1000, hop_s=0.1, first_centre_s=0.5)
    decider = Decider(CLASSES, late, RAW)
    decisions = decider.push(estimate(only("music", "#####......"), origin=300))
    assert spans(decisions) == [("music", 300, 300 + 950)]


def test_a_gap_closes_and_starts_anew() -> None:
    """After a flush at the loss, frames count from the new origin."""
    decider = Decider(CLASSES, GRID, RAW)
    before = decider.push(estimate(only("music", "#####"))) + decider.flush(500)
    after = decider.push(estimate(only("music", "#####"), origin=900)) + decider.flush(1400)
    assert spans(before) == [("music", 0, 500)]
    assert spans(after) == [("music", 900, 1400)]


def test_a_new_origin_is_a_gap_even_without_a_flush() -> None:
    """Open segments end with their last frame when the stream starts over."""
    decider = Decider(CLASSES, GRID, RAW)
    decider.push(estimate(only("music", "#####")))
    decisions = decider.push(estimate(only("music", "....."), origin=900))
    assert spans(decisions) == [("music", 0, 500)]


def test_flushing_an_unused_decider_says_nothing() -> None:
    """A source that gave no frame has no segment."""
    assert Decider(CLASSES, GRID, RAW).flush(1000) == []


def test_a_missing_frame_is_an_error() -> None:
    """Frames must follow each other."""
    decider = Decider(CLASSES, GRID, RAW)
    decider.push(estimate(only("music", "#####")))
    with pytest.raises(ValueError, match=r"expected frame 5 of origin 0, got 6; call flush\(\)"):
        decider.push(estimate(only("music", "#####"), first_frame=6))


def test_other_classes_are_an_error() -> None:
    """An estimate of another network is refused."""
    decider = Decider(("speech", "music"), GRID, RAW)
    with pytest.raises(ValueError, match=r"expected classes \('speech', 'music'\), got \('music'"):
        decider.push(estimate(only("music", "#####")))


def test_the_reach_covers_every_segment_that_is_closed() -> None:
    """With a heartbeat of 2 s no closed segment starts earlier than reach_s before now."""
    decider = Decider(CLASSES, GRID, RAW.model_copy(update={"heartbeat_s": 2.0}))
    starts = []
    for frame in range(100):
        one = only("music", "." if frame % 31 > 28 else "#")
        for decision in decider.push(estimate(one, first_frame=frame)):
            if isinstance(decision, Closed):
                starts.append((frame + 1) * 100 - decision.segment.start)
    assert len(starts) >= 4
    assert max(starts) <= decider.reach_s * 1000


@st.composite
def streams(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Scores and levels that dwell for a few frames, with numbers on and around the thresholds."""
    runs = draw(
        st.lists(
            st.tuples(
                st.integers(1, 12),
                st.tuples(*[st.sampled_from([0.0, 0.39, 0.4, 0.5, 0.6, 0.61, 1.0])] * 3),
                st.sampled_from([-90.0, -60.0, -10.0]),
            ),
            min_size=1,
            max_size=12,
        )
    )
    scores = np.concatenate([np.tile(values, (length, 1)) for length, values, _ in runs])
    level_dbfs = np.concatenate([np.full(length, level) for length, _, level in runs])
    return scores, level_dbfs


@settings(max_examples=150, deadline=None)
@given(
    stream=streams(),
    cuts=st.lists(st.integers(0, 150), max_size=8),
    smooth_s=st.sampled_from([0.0, 0.3, 0.5]),
    heartbeat_s=st.sampled_from([1.0, 1000.0]),
)
def test_any_split_gives_the_same_decisions(
    stream: tuple[np.ndarray, np.ndarray], cuts: list[int], smooth_s: float, heartbeat_s: float
) -> None:
    """However the frames are cut into estimates, decisions and their order are identical."""
    scores, level_dbfs = stream
    chosen = RAW.model_copy(update={"smooth_s": smooth_s, "heartbeat_s": heartbeat_s})
    end_sample = 100 * len(scores)

    def run(edges: list[int]) -> list[Decision]:
        decider = Decider(CLASSES, GRID, chosen)
        said: list[Decision] = []
        for begin, end in itertools.pairwise(edges):
            said += decider.push(estimate(scores[begin:end], level_dbfs[begin:end], begin))
        return said + decider.flush(end_sample)

    whole = run([0, len(scores)])
    assert run(sorted(min(cut, len(scores)) for cut in [0, *cuts, len(scores)])) == whole
    assert run(list(range(len(scores) + 1))) == whole
    check_promises(whole, end_sample, heartbeat_s)


def check_promises(decisions: list[Decision], end_sample: int, heartbeat_s: float) -> None:
    """What the class docstring promises, for one stream from sample 0 to ``end_sample``."""
    by_label: dict[str, list[Segment]] = defaultdict(list)
    pending: dict[str, int] = {}
    for decision in decisions:
        if isinstance(decision, Opened):
            assert decision.label not in pending
            pending[decision.label] = decision.start
        else:
            segment = decision.segment
            assert pending.pop(segment.label) == segment.start
            by_label[segment.label].append(segment)
    assert not pending
    for label, segments in by_label.items():
        shortest_on = 500 if label == "silence" else 300
        for segment in segments:
            assert 0 <= segment.start < segment.end <= end_sample
            assert 0 < segment.score_mean <= segment.score_peak <= 1
            after_heartbeat = any(other.end == segment.start for other in segments)
            fills_the_stream = segment.start == 0 and segment.end == end_sample
            assert segment.end - segment.start >= shortest_on or after_heartbeat or fills_the_stream
        for left, right in itertools.pairwise(segments):
            if left.end == right.start:
                assert left.end - left.start >= heartbeat_s * 1000
            else:
                assert right.start - left.end >= 300
