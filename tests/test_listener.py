"""Alarms and seconds of a source on their way through the live engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_source import RATE_HZ, FakeSource, cut
from tiny_network import write

from streamseg.capture.base import Delivery, Lost, Restored
from streamseg.messages import Block, Second, StreamFormat
from streamseg.models import Network, load_network
from streamseg.pipeline import Monitor
from streamseg.settings import Settings
from streamseg.settings_alarms import AlarmSettings
from streamseg.sinks.events import AlarmAcknowledged, AlarmCleared, AlarmRaised, Event

WAIT_S = 60


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """The small network: what it says does not matter here."""
    return load_network("frame_conv", "cpu", write(tmp_path_factory.mktemp("models")))


HISS = np.random.default_rng(0).normal(0, 0.05, 12 * RATE_HZ).astype(np.float32)
SILENCE = np.zeros(12 * RATE_HZ, np.float32)


class Stereo(FakeSource):
    """A fake source with two channels."""

    def open(self) -> StreamFormat:
        """As it says."""
        return StreamFormat(RATE_HZ, 2, "float32", "a test in stereo")


def stereo(frames: np.ndarray, size: int = 1600) -> list[Delivery | Exception]:
    """Blocks with their channels."""
    return [
        Block(frames[at : at + size].mean(axis=1), at, frames[at : at + size])
        for at in range(0, len(frames), size)
    ]


class Heard:
    """A monitor's run over one source, and everything that it said."""

    def __init__(self, network: Network, source: FakeSource, **alarms: Any) -> None:
        self.events: list[Event] = []
        self.seconds: list[Second] = []
        settings = Settings(alarms=AlarmSettings(**alarms))
        self.engine = Monitor([source], network, settings, self.take, trace=self.seconds.append)
        self.engine.start()
        assert self.engine.wait(WAIT_S)
        self.engine.stop()

    def take(self, event: Event) -> None:
        """The sink: somebody acknowledges the first alarm at once."""
        first = isinstance(event, AlarmRaised) and not self.alarms
        self.events.append(event)
        if first:
            self.engine.acknowledge("fake", None, "ana")

    @property
    def alarms(self) -> Sequence[Event]:
        """Events about alarms."""
        kinds = AlarmRaised | AlarmCleared | AlarmAcknowledged
        return [event for event in self.events if isinstance(event, kinds)]

    def brief(self) -> list[tuple[str, str, float]]:
        """Kind, rule and second of what was raised and cleared."""
        return [
            (event.name, event.rule, round(event.stamp.sample / RATE_HZ, 2))
            for event in self.alarms
            if isinstance(event, AlarmRaised | AlarmCleared)
        ]


def test_dead_air_is_logged_from_its_beginning_to_its_end(network: Network) -> None:
    """Raised after ten seconds, dated to the first quiet sample; cleared where sound came back."""
    heard = Heard(network, FakeSource(cut(np.concatenate((HISS, SILENCE, HISS)))))
    assert heard.brief() == [
        ("alarm_raised", "dead_air", 12.0),
        ("alarm_cleared", "dead_air", 24.0),
    ]
    raised, cleared = (e for e in heard.alarms if not isinstance(e, AlarmAcknowledged))
    assert isinstance(raised, AlarmRaised)
    assert isinstance(cleared, AlarmCleared)
    assert cleared.start == raised.stamp.time
    assert cleared.duration_s == pytest.approx(12.0, abs=0.01)
    assert cleared.reason == "recovered"


def test_what_stands_at_the_end_is_cleared_before_stopped(network: Network) -> None:
    """Every raised is cleared; the reason says that nobody listens any more."""
    heard = Heard(network, FakeSource(cut(np.concatenate((HISS, SILENCE)))))
    *_, cleared, stopped = heard.events
    assert isinstance(cleared, AlarmCleared)
    assert (cleared.reason, stopped.name) == ("stopped", "stopped")


def test_an_alarm_stands_across_the_loss_of_its_source(network: Network) -> None:
    """A stream that comes back silent is still a dead air, and no second one."""
    script: list[Delivery | Exception] = [
        *cut(SILENCE),
        Lost(SILENCE.size, "gone"),
        Restored(SILENCE.size + 5 * RATE_HZ, 5.0),
        *cut(SILENCE, first=SILENCE.size + 5 * RATE_HZ),
        *cut(HISS, first=2 * SILENCE.size + 5 * RATE_HZ),
    ]
    heard = Heard(network, FakeSource(script, live=True))
    assert heard.brief() == [("alarm_raised", "dead_air", 0.0), ("alarm_cleared", "dead_air", 29.0)]


def test_what_was_not_heard_does_not_count(network: Network) -> None:
    """Six silent seconds, a gap of an hour, six more: not ten in a row."""
    half = SILENCE[: 6 * RATE_HZ]
    script: list[Delivery | Exception] = [
        *cut(half),
        Lost(half.size, "gone"),
        Restored(half.size + 3600 * RATE_HZ, 3600.0),
        *cut(half, first=half.size + 3600 * RATE_HZ),
    ]
    assert Heard(network, FakeSource(script, live=True)).brief() == []


def test_an_acknowledged_alarm_is_logged_once_with_who_it_was(network: Network) -> None:
    """It stays raised; acknowledging all alarms a second time adds nothing."""
    source = FakeSource(cut(np.concatenate((SILENCE, SILENCE, HISS))))
    heard = Heard(network, source, dead_air_alarm_s=20)
    seen = [event for event in heard.alarms if isinstance(event, AlarmAcknowledged)]
    assert {(event.rule, event.by) for event in seen} <= {("dead_air", "ana")}
    assert len(seen) <= 1  # the whole file may have been read before anybody could answer


def test_channels_reach_the_alarms(network: Network) -> None:
    """A lost channel is in the mix only a quieter programme; the rule sees both."""
    frames = np.stack((np.tile(HISS, 3), np.zeros(3 * HISS.size, np.float32)), axis=1)
    heard = Heard(network, Stereo(stereo(frames)))
    assert ("alarm_raised", "channel_lost", 0.0) in heard.brief()


def test_the_loudness_of_a_segment_is_that_of_its_channels(network: Network) -> None:
    """Two channels with the same sound are 3 LU louder than the mix alone."""
    frames = np.stack((HISS, HISS), axis=1)
    two = Heard(network, Stereo(stereo(frames))).seconds[-1].integrated_lufs
    one = Heard(network, FakeSource(cut(HISS))).seconds[-1].integrated_lufs
    assert two is not None
    assert one is not None
    assert two - one == pytest.approx(3.01, abs=0.01)


def test_every_second_of_a_source_is_told_once_and_in_order(network: Network) -> None:
    """From the first sample to the last, the last one short, and what was judged in each."""
    sound = np.concatenate((HISS, SILENCE, HISS))[: -RATE_HZ // 2]
    seconds = Heard(network, FakeSource(cut(sound))).seconds
    assert [second.sample for second in seconds] == list(range(0, sound.size, RATE_HZ))
    assert sum(second.length_s for second in seconds) == sound.size / RATE_HZ
    assert [len(second.scores) for second in seconds] == [3] * len(seconds)
    quiet = [
        number
        for number, second in enumerate(seconds)
        for verdict in second.verdicts
        if verdict.rule == "dead_air" and verdict.bad == verdict.ticks
    ]
    assert quiet == list(range(12, 24))
    assert [second.highest_dbfs for second in seconds[13:23]] == [-120.0] * 10


def test_seconds_on_both_sides_of_a_gap_are_cut_there(network: Network) -> None:
    """A gap from 6.0 to 9.5 s: no second for what nobody heard, a short one behind it."""
    first, behind = HISS[: 6 * RATE_HZ], 19 * RATE_HZ // 2
    script: list[Delivery | Exception] = [
        *cut(first),
        Lost(first.size, "gone"),
        Restored(behind, 3.5),
        *cut(HISS[: 3 * RATE_HZ], first=behind),
    ]
    seconds = Heard(network, FakeSource(script, live=True)).seconds
    assert [(s.sample / RATE_HZ, s.length_s) for s in seconds] == [
        *((float(n), 1.0) for n in range(6)),
        (9.5, 0.5),
        (10.0, 1.0),
        (11.0, 1.0),
        (12.0, 0.5),
    ]


def test_real_files_bring_their_channels(network: Network, tmp_path: Path) -> None:
    """A stereo WAV with an inverted channel: through the decoder to the alarm."""
    from scipy.io import wavfile

    from streamseg.capture.media import MediaSource

    path = tmp_path / "inverted.wav"
    sound = (np.tile(HISS, 2) * 32767).astype(np.int16)
    wavfile.write(path, RATE_HZ, np.stack((sound, -sound), axis=1))
    source = MediaSource(path, "mean", Settings().capture, name="fake")
    heard = Heard(network, source)  # type: ignore[arg-type]
    assert ("alarm_raised", "phase_inverted", 0.0) in heard.brief()
    assert "dead_air" not in {rule for _, rule, _ in heard.brief()}
