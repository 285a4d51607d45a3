"""Facts about masks beside the live engine: records, holes, drops, and who gives way to whom."""

import threading
import time

import numpy as np
import pytest
from fake_source import RATE_HZ, FakeSource, cut
from signals import at_level, music, noise
from tiny_mask_network import write_level
from tiny_network import write

from streamseg.capture.base import Lost, Restored
from streamseg.models import load_mask_network, load_network
from streamseg.pipeline import Monitor
from streamseg.settings import load

WAIT_S = 120  # far longer than anything here takes, on a busy machine too
UNIT_S = 2048 / 44_100
BEGIN_S = 192 / 44_100  # of the first unit after the beginning of a stretch


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with a small main network and a mask network that hears level."""
    return write_level(write(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def network(models):
    """The main network."""
    return load_network("frame_conv", "cpu", models)


@pytest.fixture(scope="module")
def mask_network(models):
    """The mask network."""
    return load_mask_network("window_mask", "cpu", models)


def settings():
    """As a user without a settings file has them."""
    return load(environment={}).settings


def monitor(network, mask_network, *sources):
    """Run sources to their end; returns the monitor, the events and the masks."""
    events, masks = [], []
    engine = Monitor(
        sources, network, settings(), events.append, mask_network=mask_network, masks=masks.append
    )
    engine.start()
    assert engine.wait(WAIT_S)
    engine.stop()
    return engine, events, masks


def final_units(masks):
    """Start in seconds of every final unit and its music probability, by time."""
    units = []
    for mask in masks:
        if mask.final:
            starts = mask.sample / RATE_HZ + np.arange(mask.prob.shape[2]) * mask.unit_s
            units += zip(starts, mask.prob[0].T, strict=True)
    return [start for start, _ in units], np.array([prob for _, prob in units])


SONG = at_level(music(6.0, RATE_HZ, seed=1), -12)
HISS = at_level(noise("white", 6.0, RATE_HZ, seed=1), -75)


def test_every_moment_of_a_stretch_gets_one_final_mask(network, mask_network):
    """From the first sample to the last, unit behind unit, and each once."""
    _, _, masks = monitor(network, mask_network, FakeSource(cut(SONG)))
    starts, _ = final_units(masks)
    assert starts[0] == pytest.approx(BEGIN_S, abs=1 / RATE_HZ)
    np.testing.assert_allclose(np.diff(starts), UNIT_S, atol=1.01 / RATE_HZ)
    assert starts[-1] + UNIT_S == pytest.approx(6.0, abs=UNIT_S)
    assert all(mask.classes == ("music", "speech", "noise") for mask in masks)


def test_a_mask_shows_what_sounds_where(network, mask_network):
    """Loud music is music below 4 kHz; hiss of -75 dBFS behind it is not."""
    sound = np.concatenate((SONG, HISS))
    _, _, masks = monitor(network, mask_network, FakeSource(cut(sound)))
    starts, prob = final_units(masks)
    starts = np.array(starts)
    assert prob[(starts > 1) & (starts < 5), :2].min() > 0.9
    assert prob[(starts > 7) & (starts < 11)].max() < 0.1


def test_provisional_units_are_never_behind_final_ones(network, mask_network):
    """What was said for good is not taken back; what was said early becomes final."""
    _, _, masks = monitor(network, mask_network, FakeSource(cut(SONG), live=True))
    assert any(not mask.final for mask in masks)
    settled = -1.0
    for mask in masks:
        assert mask.sample > settled
        if mask.final:
            settled = mask.sample + (mask.prob.shape[2] - 0.5) * mask.unit_s * RATE_HZ


def test_sources_share_the_worker_and_not_their_masks(network, mask_network):
    """Each source has the masks that it has alone, in its own order."""
    alone = {}
    for name, sound in (("song", SONG), ("hiss", HISS)):
        _, _, masks = monitor(network, mask_network, FakeSource(cut(sound), name))
        alone[name] = final_units(masks)
    sources = [FakeSource(cut(SONG), "song"), FakeSource(cut(HISS), "hiss")]
    _, _, both = monitor(network, mask_network, *sources)
    for name, (starts, prob) in alone.items():
        got = final_units([mask for mask in both if mask.source == name])
        assert got[0] == starts
        np.testing.assert_allclose(got[1], prob, atol=1e-5)


class Unhurried(FakeSource):
    """Leaves the mask network time: a live source that comes all at once would be dropped."""

    def read(self, timeout_s):
        """The next of the script, a moment later."""
        time.sleep(0.005)
        return super().read(timeout_s)


def test_behind_a_long_hole_the_masks_begin_anew(network, mask_network):
    """No unit spans the hole, and none lies in it."""
    gap = 4 * RATE_HZ
    script = [
        *cut(SONG),
        Lost(SONG.size, "connection reset"),
        Restored(SONG.size + gap, 4.0),
        *cut(HISS, first=SONG.size + gap),
    ]
    _, _, masks = monitor(network, mask_network, Unhurried(script, live=True))
    starts, prob = final_units(masks)
    starts = np.array(starts)
    assert not np.any((starts > 6) & (starts < 10))
    assert starts[starts > 6][0] == pytest.approx(10 + BEGIN_S, abs=1 / RATE_HZ)
    assert prob[starts < 6][-1, 0] > 0.5, "hiss behind the hole has nothing to say about the song"
    assert prob[starts > 6].max() < 0.1


def test_a_stretch_shorter_than_a_window_has_no_mask(network, mask_network):
    """Half a second is less than the 0.74 s that are looked at at once."""
    _, _, masks = monitor(network, mask_network, FakeSource(cut(SONG[: RATE_HZ // 2])))
    assert masks == []


def wait_until(done):
    """Look every hundredth of a second, and not for ever."""
    deadline_s = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.01)


class Gate:
    """A mask network that waits until it may go on."""

    def __init__(self, inner):
        self.inner, self.go = inner, threading.Event()
        self.runs = 0

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def run(self, jobs):
        """As the network, later."""
        self.go.wait(WAIT_S)
        self.runs += bool(jobs)
        return self.inner.run(jobs)


def test_masks_too_slow_for_a_live_source_are_dropped_and_counted(network, mask_network):
    """The oldest go, the newest are drawn in their place, and the log loses nothing."""
    sound = np.concatenate([HISS] * 3 + [SONG])
    source, gate = FakeSource(cut(sound), live=True), Gate(mask_network)
    events, masks, heard = [], [], []
    engine = Monitor(
        [source],
        network,
        settings(),
        events.append,
        lambda estimate: heard.append(len(estimate.confirmed)),
        mask_network=gate,
        masks=masks.append,
    )
    engine.start()
    # The network has its 40 ms a frame: when it has all, it is not behind any more.
    wait_until(lambda: source.exhausted and sum(heard) * 0.04 > 23)
    gate.go.set()
    assert engine.wait(WAIT_S)
    engine.stop()
    starts, prob = final_units(masks)
    starts = np.array(starts)
    assert engine.masks_dropped_s > 10
    assert len(starts) * UNIT_S + engine.masks_dropped_s == pytest.approx(24, abs=1)
    assert starts[-1] == pytest.approx(24, abs=2 * UNIT_S)
    assert prob[starts > 22.8, 0].min() > 0.9
    # The gate closed the masks only: everything was heard.
    assert not [event for event in events if event.name == "overload"]
    assert events[-1].heard_s == pytest.approx(24)


def test_a_file_waits_for_its_masks(network, mask_network):
    """Nothing of what has an end is dropped, however slow the masks are."""
    gate = Gate(mask_network)
    masks = []
    source = FakeSource(cut(np.concatenate([SONG] * 5)))
    engine = Monitor(
        [source], network, settings(), list().append, mask_network=gate, masks=masks.append
    )
    engine.start()
    assert not engine.wait(0.3)
    assert not source.exhausted, "the mailbox is bounded, so the source was held back"
    gate.go.set()
    assert engine.wait(WAIT_S)
    engine.stop()
    assert engine.masks_dropped_s == 0
    starts, _ = final_units(masks)
    assert len(starts) * UNIT_S == pytest.approx(30, abs=2 * UNIT_S)


def test_masks_give_way_while_the_network_is_behind(network, mask_network):
    """With the main network stuck, live spectra are not drawn but thrown away."""
    stuck = threading.Event()

    class Stuck:
        """The main network, kept from going on."""

        def __getattr__(self, name):
            return getattr(network, name)

        def run(self, jobs):
            stuck.wait(WAIT_S)
            return network.run(jobs)

    class Tap(FakeSource):
        """Begins with as much as makes the network late, and goes on when that was seen."""

        def read(self, timeout_s):
            if len(self.script) == later:
                full.set()
                onward.wait(WAIT_S)
            return super().read(timeout_s)

    full, onward = threading.Event(), threading.Event()
    sound = cut(np.concatenate([SONG] * 2))
    later = len(sound) - 12  # 1.2 s are more than the network may be behind
    source, gate, masks = Tap(sound, live=True), Gate(mask_network), []
    engine = Monitor(
        [source], Stuck(), settings(), list().append, mask_network=gate, masks=masks.append
    )
    engine.start()
    assert full.wait(WAIT_S)
    gate.go.set()  # the masks could go on now, the main network cannot
    wait_until(lambda: engine._masks._mail.waiting == 0)
    # The run that was under way is the only one: what came behind it was not looked at.
    assert gate.runs <= 1
    stuck.set()
    onward.set()
    assert engine.wait(WAIT_S)
    engine.stop()
    assert engine.masks_dropped_s > 0.5


def test_an_error_in_the_masks_ends_the_monitor_and_is_not_swallowed(network, mask_network):
    """As in any other thread."""

    def masks(mask):
        raise ZeroDivisionError("a bug")

    engine = Monitor(
        [FakeSource(cut(SONG))],
        network,
        settings(),
        list().append,
        mask_network=mask_network,
        masks=masks,
    )
    engine.start()
    assert engine.wait(WAIT_S)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        engine.stop()
