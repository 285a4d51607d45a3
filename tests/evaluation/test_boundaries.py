"""Facts about the scores of boundaries."""

import numpy as np
import pytest
from signals import noise

pytest.importorskip("mir_eval", reason="scores need the extra 'evaluate'")

from streamseg.evaluation import boundaries
from streamseg.evaluation.boundaries import RATE_HZ, Hits, Joined
from streamseg.evaluation.truth import Truth
from streamseg.models import load_stem_network


def joined(seconds: float, *joins_s: float) -> Joined:
    """Silence with joins."""
    return Joined(np.zeros(int(seconds * RATE_HZ), np.float32), joins_s)


def test_a_hit_lies_within_the_window_and_counts_once():
    """Of three boundaries said, one is 0.2 s and one 2 s from a join, the third is a repetition."""
    hits = Hits()
    boundaries.score(hits, joined(60, 20, 40), [20.2, 20.3, 42.0])
    assert hits.figures(0.5) == pytest.approx((1 / 3, 1 / 2, 2 / 5))
    assert hits.figures(3.0) == pytest.approx((2 / 3, 1.0, 4 / 5))


def test_a_recording_without_joins_only_costs_precision():
    """What is said there is a false alarm, and nothing is missed."""
    hits = Hits()
    boundaries.score(hits, joined(60, 30), [30.0])
    boundaries.score(hits, joined(60), [10.0])
    assert hits.figures(0.5) == pytest.approx((1 / 2, 1.0, 2 / 3))


def test_edges_nearer_than_a_second_are_one_boundary():
    """The ends of the recording are none; a pause of 0.2 s between two items is one join."""
    truth = [
        Truth(0.3, 9.5, "speech", 99),
        Truth(9.7, 20.0, "music", 99),
        Truth(9.7, 14.0, "noise", 0),
    ]
    assert boundaries.changes_s(truth, 20.5) == pytest.approx((9.6, 14.0))


def test_songs_are_the_same_each_time_and_their_joins_lie_where_pieces_change():
    """Pieces are constants here: the value changes at every join and nowhere else."""
    pieces = [
        np.full(24 * RATE_HZ, value, np.float32)
        + np.float32(0.01) * (-1) ** np.arange(24 * RATE_HZ)
        for value in (-0.4, -0.1, 0.2, 0.5)
    ]
    first, again = (next(boundaries.songs(pieces, 1)) for _ in range(2))
    np.testing.assert_array_equal(first.samples, again.samples)
    assert 4 <= len(first.joins_s) <= 7
    smooth = first.samples[: len(first.samples) // 100 * 100].reshape(-1, 100).mean(axis=1)
    for join_s in first.joins_s:
        at = int(join_s * RATE_HZ / 100)
        assert abs(smooth[at - 120] - smooth[at + 120]) > 0.5


def test_the_novelty_curve_finds_both_joins_of_three_noises():
    """Brown, white and brown noise: both joins within half a second, nothing else."""
    kinds = ("brown", "white", "brown")
    parts = [noise(kind, 12.0, RATE_HZ, seed) for seed, kind in enumerate(kinds)]
    found = boundaries.evaluate([Joined(np.concatenate(parts), (12.0, 24.0))])
    assert found["novelty"].figures(0.5) == (1.0, 1.0, 1.0)
    record = boundaries.boundaries_record({"noises": found})
    assert record["noises"]["novelty"]["f_0.5_s"] == 1.0
    assert boundaries.boundaries_table({"noises": found}).row_count == 2


def test_the_head_and_both_curves_find_the_joins_of_three_noises():
    """Beside the others, with the network that ships; what the head says lies inside."""
    network = load_stem_network("stem_unet_small", "cpu")
    kinds = ("brown", "white", "brown")
    parts = [noise(kind, 12.0, RATE_HZ, seed) for seed, kind in enumerate(kinds)]
    joined = Joined(np.concatenate(parts), (12.0, 24.0))
    found = boundaries.evaluate([joined], None, [network])
    both = "novelty and head of stem_unet_small"
    assert list(found) == ["equal steps", "novelty", "head of stem_unet_small", both]
    assert found[both].figures(0.5)[1] == 1.0
    curve, first_s = boundaries.head_curve(joined, network)
    assert first_s == pytest.approx(1024 / 22_050)
    assert abs(len(curve) * network.card.hop_s - 36.0) < 0.2


def test_thresholds_are_scored_as_the_evaluation_scores_them():
    """At the thresholds in force both ways find what ``evaluate`` says that they find."""
    pytest.importorskip("torch", reason="the sequences of a head need the extra 'train'")
    from streamseg.evaluation import boundary_thresholds

    network = load_stem_network("stem_unet_small", "cpu")
    kinds = ("brown", "white", "brown")
    parts = [noise(kind, 12.0, RATE_HZ, seed) for seed, kind in enumerate(kinds)]
    recordings = [Joined(np.concatenate(parts), (12.0, 24.0))]
    spec = boundaries.HEADS["stem_unet_small"]
    found = boundaries.evaluate(recordings, None, [network])
    in_force = (spec.alone, spec.with_novelty)
    got = boundary_thresholds.scores(recordings, network, in_force)
    assert got.shape == (2, 2)
    expected = [hits.figures(0.5)[2] for way, hits in found.items() if "head" in way]
    assert [got[0, 0], got[1, 1]] == pytest.approx(expected)
    over_all = boundary_thresholds.scores(recordings, network)
    assert over_all[0].min() > 0
    shown = boundary_thresholds.table({"noises": over_all})
    assert shown.row_count == len(boundary_thresholds.THRESHOLDS)
