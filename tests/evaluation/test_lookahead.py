"""Accuracy against look-ahead and past."""

from __future__ import annotations

import wave

import numpy as np
import pytest
import signals

pytest.importorskip("soundfile", reason="evaluation of made sounds needs the extra 'evaluate'")

from streamseg.evaluation import lookahead
from streamseg.evaluation.truth import Programme, Truth
from streamseg.models import load_card
from streamseg.training import fronts


@pytest.fixture(scope="module")
def programme(tmp_path_factory: pytest.TempPathFactory) -> Programme:
    """Six seconds of noise after six of music."""
    path = tmp_path_factory.mktemp("p") / "p.wav"
    rate_hz = 44100
    sound = np.concatenate(
        (signals.music(6.0, rate_hz), signals.noise("rain", 6.0, rate_hz, level_dbfs=-20.0))
    )
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    truth = (Truth(0.0, 6.0, "music", 99.0), Truth(6.0, 12.0, "noise", 99.0))
    return Programme("p", "clean", 12.0, path, truth)


def test_sooner_is_never_free(programme: Programme) -> None:
    """Every age and past is scored; an answer read before its time is no better at the change."""
    rows = lookahead.evaluate([programme], "activity")
    keys = {(row.what, row.ahead_s, row.past_s) for row in rows}
    ages = [(name, age) for name, all_of in lookahead.AGES_S.items() for age in all_of]
    assert {(name, age, float("inf")) for name, age in ages} <= keys
    assert {("confirmed", 1.4, past) for past in lookahead.PASTS_S} <= keys
    right = {
        (row.what, row.ahead_s, row.past_s): int(np.trace(row.score.one_class.frames))
        for row in rows
    }
    everything = float("inf")
    assert right["confirmed", 1.4, everything] > right["confirmed", 0.4, everything]
    assert lookahead.lookahead_table(rows).row_count == len(rows)
    assert len(lookahead.lookahead_record(rows)["rows"]) == len(rows)


def test_a_network_that_may_hear_all_of_its_past_says_the_same() -> None:
    """With a past longer than the recording, forgetting changes nothing."""
    card = load_card("activity")
    samples = signals.music(4.0, 44100)
    decibels = fronts.features(card.front_end, samples)
    from streamseg.models import Network

    network = lookahead._network(Network, "activity")
    long = lookahead.forgetful(network, "activity", decibels, 4.8)
    longer = lookahead.forgetful(network, "activity", decibels, 9.6)
    assert len(long) == len(longer) >= 90
    # A fresh stream's state is zeros, not silence: what differs is what it makes of floor frames.
    np.testing.assert_allclose(long, longer, atol=0.1)
