"""Facts about masks in the engine behind the window, with a real file and small networks."""

import time

import numpy as np
import pytest
import soundfile
from signals import at_level, noise, sine
from tiny_mask_network import write_level
from tiny_network import write

from streamseg.capture.choose import SourceOptions
from streamseg.commands.live import LiveEngine
from streamseg.settings import load
from streamseg.view.state import ViewState

WAIT_S = 60
RATE_HZ = 48_000


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Small networks under the names of the default ones."""
    return write_level(write(tmp_path_factory.mktemp("models"), "activity"))


@pytest.fixture
def watch(models, tmp_path):
    """Read four seconds, a low tone and then faint hiss, to their end; returns state and end."""
    made = []

    def call(mask):
        sound = np.concatenate(
            (sine(2.0, RATE_HZ, 300, -12), at_level(noise("white", 2.0, RATE_HZ, seed=1), -75))
        )
        path = tmp_path / "in.wav"
        soundfile.write(path, sound, RATE_HZ)
        state = ViewState()

        def settings():
            alone = {"model.stems": "", "model.genre": ""}
            return load(environment={}, flags={"model.mask": mask} | alone)

        config = tmp_path / "s.toml"
        engine = LiveEngine(state, settings, SourceOptions(), config, models, realtime=False)
        made.append((engine, state))
        engine.open(str(path))
        deadline_s = time.monotonic() + WAIT_S
        while state.snapshot().condition not in ("ended", "failed"):
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
        engine.close()  # the last masks may come after the last event
        return state, state.snapshot()

    yield call
    for engine, state in made:
        engine.close()
        state.close()


def test_the_window_is_given_the_masks(watch):
    """From the first column to the last; the low tone is music where it sounds."""
    state, snapshot = watch("window_mask")
    assert snapshot.condition == "ended", snapshot.reason
    assert snapshot.has_mask
    mask = state.mask(0, 4 * RATE_HZ)
    assert mask is not None
    drawn = mask.prob.any(axis=(0, 1))
    assert drawn.mean() > 0.95
    columns_s = (np.arange(mask.prob.shape[2]) + 0.5) * mask.unit_s
    assert mask.prob[0, 0, (columns_s > 0.1) & (columns_s < 1.2)].min() > 0.9
    assert mask.prob[0, :, (columns_s > 2.9) & (columns_s < 3.9)].max() < 0.1


def test_without_a_mask_network_there_are_none(watch):
    """An empty ``model.mask`` turns them off."""
    _, snapshot = watch("")
    assert snapshot.condition == "ended"
    assert not snapshot.has_mask


def test_a_mask_network_that_is_none_is_said(watch):
    """The window shows why nothing is monitored, and what could be chosen."""
    _, snapshot = watch("activity")
    assert snapshot.condition == "failed"
    assert "expected a mask model of window_mask, got 'activity'" in snapshot.reason
