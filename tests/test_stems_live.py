"""Facts about stems and genre in the live engine: the same as offline, and first to give way."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_source import RATE_HZ, FakeSource, cut
from signals import at_level, music, noise
from tiny_mask_network import write_level
from tiny_network import write

from streamseg.capture.base import Lost, Restored
from streamseg.capture.choose import SourceOptions, file_source
from streamseg.errors import ConfigError
from streamseg.mask_run import MaskRun
from streamseg.messages import Change, Genre, Mask
from streamseg.models import (
    GenreNetwork,
    MaskNetwork,
    Network,
    StemNetwork,
    load_genre_network,
    load_mask_network,
    load_network,
    load_stem_network,
)
from streamseg.pipeline import Monitor
from streamseg.settings import Settings, load
from streamseg.sinks.events import Event

WAIT_S = 240
STEMS = ("drums", "bass", "other", "vocals")
SONG = at_level(music(16.0, RATE_HZ, seed=3), -18)
HISS = at_level(noise("white", 10.0, RATE_HZ, seed=1), -30)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small main network and a small mask network."""
    return write_level(write(tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def network(models: Path) -> Network:
    """The main network, a small one."""
    return load_network("frame_conv", "cpu", models)


@pytest.fixture(scope="module")
def mask_network(models: Path) -> MaskNetwork:
    """The network of the classes' masks, a small one."""
    return load_mask_network("window_mask", "cpu", models)


@pytest.fixture(scope="module")
def stem_network() -> StemNetwork:
    """The network of the stems, the true one."""
    return load_stem_network("stem_unet_small", "cpu")


@pytest.fixture(scope="module")
def genre_network() -> GenreNetwork:
    """The network of the genre, the true one."""
    return load_genre_network("stem_genre", "cpu")


def together(masks: list[Mask]) -> np.ndarray:
    """Stem masks that follow each other without a hole, as one: (stems, units, frames)."""
    for before, after in pairwise(masks):
        ends_s = before.sample / RATE_HZ + before.prob.shape[2] * before.unit_s
        assert after.sample / RATE_HZ == pytest.approx(ends_s, abs=1.5 / RATE_HZ)
    return np.concatenate([mask.prob for mask in masks], axis=2)


def offline(stem_network: StemNetwork, sound: np.ndarray) -> np.ndarray:
    """What ``streamseg mask --map`` writes: (stems, units, frames)."""
    run = MaskRun(FakeSource(cut(sound)), stem_network)
    return np.concatenate([step.prob for step in run.steps()], axis=2)


class Run:
    """A monitor's run over sources to their end, and what came of it."""

    def __init__(
        self,
        network: Network,
        sources: list[FakeSource],
        stem_network: StemNetwork,
        genre_network: GenreNetwork | None = None,
        **settings: object,
    ) -> None:
        self.masks: list[Mask] = []
        self.genres: list[Genre] = []
        self.events: list[Event] = []
        self.engine = Monitor(
            sources,
            network,
            load(environment={}, flags=settings).settings,
            self.events.append,
            masks=self.masks.append,
            stem_network=stem_network,
            genre_network=genre_network,
            genres=self.genres.append,
        )
        self.engine.start()
        assert self.engine.wait(WAIT_S)
        self.engine.stop()


@pytest.mark.parametrize("block_s", [0.04, 0.5])
def test_live_stems_are_those_of_the_file(
    network: Network, stem_network: StemNetwork, block_s: float
) -> None:
    """The very masks that ``streamseg mask -m stem_unet_small --map`` writes, none missing."""
    sound = SONG[: 5 * RATE_HZ]
    run = Run(network, [FakeSource(cut(sound))], stem_network, **{"model.block_s": block_s})
    assert {mask.classes for mask in run.masks} == {STEMS}
    assert all(mask.final for mask in run.masks)
    expected = offline(stem_network, sound)
    live = together(run.masks)
    assert live.shape == expected.shape
    np.testing.assert_allclose(live, expected, atol=1e-3)
    assert run.engine.stems_dropped_s == 0


def test_behind_a_hole_stems_and_genre_begin_anew(
    network: Network, stem_network: StemNetwork, genre_network: GenreNetwork
) -> None:
    """What lies behind four seconds without sound knows nothing of what was before."""
    one, two = SONG[: 12 * RATE_HZ], SONG[: 11 * RATE_HZ]
    begin = one.size + 4 * RATE_HZ
    script = [
        *cut(one),
        Lost(one.size, "connection reset"),
        Restored(begin, 4.0),
        *cut(two, first=begin),
    ]
    # Not live, so that it waits for slow machines; the hole is one all the same.
    run = Run(network, [FakeSource(script)], stem_network, genre_network)
    behind = [mask for mask in run.masks if mask.sample >= begin]
    before = [mask for mask in run.masks if mask.sample < begin]
    assert together(before).shape == offline(stem_network, one).shape
    np.testing.assert_allclose(together(behind), offline(stem_network, two), atol=1e-3)
    assert all(genre.end <= one.size or genre.sample >= begin for genre in run.genres)
    assert {genre.sample >= begin for genre in run.genres} == {True, False}


def test_sources_have_the_genre_that_each_has_alone(
    network: Network, stem_network: StemNetwork, genre_network: GenreNetwork
) -> None:
    """One answer every step once a window is there; two sources in one worker do not mix."""
    other = at_level(music(14.0, RATE_HZ, seed=8), -18)
    both = Run(
        network,
        [FakeSource(cut(SONG), "a"), FakeSource(cut(other), "b")],
        stem_network,
        genre_network,
    )
    for name, sound in (("a", SONG), ("b", other)):
        alone = Run(network, [FakeSource(cut(sound), name)], stem_network, genre_network)
        said = [genre for genre in both.genres if genre.source == name]
        count = int((sound.size / RATE_HZ - genre_network.window_s) / genre_network.step_s) + 1
        assert len(said) == len(alone.genres) == count
        for got, expected in zip(said, alone.genres, strict=True):
            assert (got.sample, got.end) == (expected.sample, expected.end)
            np.testing.assert_allclose(got.prob, expected.prob, atol=0.01)
        steps = np.diff([genre.sample for genre in said]) / RATE_HZ
        np.testing.assert_allclose(steps, genre_network.step_s, atol=2 / RATE_HZ)


def test_stems_give_way_while_the_network_is_behind(
    network: Network, stem_network: StemNetwork
) -> None:
    """With the main network stuck, live sound gets no stems; it says so, and nothing else is lost.

    Once it goes on, so do they.
    """
    stuck, full, onward, drawn = (threading.Event() for _ in range(4))

    class Held:
        """A network that does not go on before it may."""

        def __init__(self, held: Network | StemNetwork, may: threading.Event) -> None:
            self._held, self._may = held, may

        def __getattr__(self, name: str) -> object:
            return getattr(self._held, name)

        def run(self, jobs: list) -> list:
            """Later."""
            self._may.wait(WAIT_S)
            return self._held.run(jobs)

    script = cut(np.concatenate((SONG[: 2 * RATE_HZ], HISS[: 2 * RATE_HZ])))
    later = len(script) - 10  # a second is more than the network may be behind

    class Tap(FakeSource):
        """Begins with a second, and goes on when it was seen what becomes of it."""

        def read(self, timeout_s: float) -> object:
            """As scripted."""
            if len(self.script) == later:
                full.set()
                onward.wait(WAIT_S)
            return super().read(timeout_s)

    masks: list[Mask] = []
    events: list[Event] = []
    engine = Monitor(
        [Tap(script, live=True)],
        Held(network, stuck),
        Settings(),
        events.append,
        masks=masks.append,
        stem_network=Held(stem_network, drawn),
    )
    engine.start()
    assert full.wait(WAIT_S)
    drawn.set()  # the stems could go on now, the main network cannot
    pause = threading.Event()
    while engine._stems._mail.waiting:
        pause.wait(0.01)
    stuck.set()
    while engine._mail.waiting:
        pause.wait(0.01)
    onward.set()
    assert engine.wait(WAIT_S)
    engine.stop()
    assert engine.stems_dropped_s > 0  # how much is a matter of what a worker takes at once
    assert engine.masks_dropped_s == 0
    assert not [event for event in events if event.name == "overload"]
    total_s = sum(mask.prob.shape[2] * mask.unit_s for mask in masks)
    ends = [mask.sample + mask.prob.shape[2] * mask.unit_s * RATE_HZ for mask in masks]
    gaps = [mask.sample - end for mask, end in zip(masks, [0, *ends[:-1]], strict=True)]
    holes = [gap > RATE_HZ / 10 for gap in gaps]
    assert any(holes)
    # Before each hole the look-ahead gets no masks either; what comes before the first, or between
    # two, and is shorter gets none at all.
    ahead_s = stem_network.flush_frames * stem_network.card.hop_s
    lost_s = 4 - total_s - engine.stems_dropped_s
    assert sum(holes[1:]) * ahead_s - 0.2 < lost_s < (sum(holes) + 1) * ahead_s + 0.2


def test_a_file_at_its_own_speed_gets_everything(
    tmp_path: Path,
    network: Network,
    mask_network: MaskNetwork,
    stem_network: StemNetwork,
    genre_network: GenreNetwork,
) -> None:
    """A song and hiss from a real file: both kinds of masks, curve, boundary, genre; none lost."""
    path = tmp_path / "air.wav"
    soundfile.write(path, np.concatenate((SONG[: 13 * RATE_HZ], HISS)), RATE_HZ, subtype="FLOAT")
    settings = load(environment={}).settings
    masks: list[Mask] = []
    changes: list[Change] = []
    genres: list[Genre] = []
    events: list[Event] = []
    engine = Monitor(
        [file_source(str(path), SourceOptions(realtime=True), settings.capture)],
        network,
        settings,
        events.append,
        mask_network=mask_network,
        masks=masks.append,
        changes=changes.append,
        stem_network=stem_network,
        genre_network=genre_network,
        genres=genres.append,
    )
    engine.start()
    assert engine.wait(WAIT_S)
    engine.stop()
    stems = together([mask for mask in masks if mask.classes == STEMS])
    assert stems.shape[2] * (512 / 22_050) == pytest.approx(23.0, abs=0.1)
    classes = [mask for mask in masks if mask.classes != STEMS and mask.final]
    assert sum(mask.prob.shape[2] * mask.unit_s for mask in classes) == pytest.approx(23, abs=0.1)
    found = [event.stamp.sample / RATE_HZ for event in events if event.name == "boundary"]
    assert min(abs(at_s - 13.0) for at_s in found) < 0.2
    curve = np.concatenate([change.values for change in changes])
    assert len(curve) * changes[0].step_s == pytest.approx(23, abs=0.3)
    assert len(genres) == int((23 - genre_network.window_s) / genre_network.step_s) + 1
    assert all(genre.prob.sum() == pytest.approx(1, abs=1e-3) for genre in genres)
    assert engine.masks_dropped_s == engine.stems_dropped_s == 0
    assert "overload" not in {event.name for event in events}


def test_a_genre_needs_stems() -> None:
    """The error says which setting is missing."""
    with pytest.raises(ConfigError, match=r"model\.genre \(stem_genre\) needs model\.stems"):
        load(environment={}, flags={"model.stems": ""})
    both = load(environment={}, flags={"model.stems": "", "model.genre": ""}).settings.model
    assert (both.stems, both.genre) == ("", "")
