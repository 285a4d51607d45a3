"""How a live reader waits, drops and comes back, on decoders that do what the test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from streamseg.capture.base import Delivery, Lost, Restored
from streamseg.capture.decoded import Conform, Decoded
from streamseg.capture.reopening import ReopeningReader
from streamseg.errors import SourceUnavailableError
from streamseg.messages import Block, Loss
from streamseg.settings import CaptureSettings

RATE_HZ = 8000
SETTINGS = CaptureSettings(gather_s=0, ring_s=4, retry_first_s=0.05, retry_longest_s=0.2)


class Script:
    """A decoder that plays a list: arrays are sound, errors are raised, the end is the end."""

    def __init__(
        self, *items: np.ndarray | Decoded | BaseException, wait: threading.Event | None = None
    ):
        self.items = list(items)
        self.damaged_packets = 0
        self.closed = False
        self._wait = wait

    def read(self) -> Decoded | None:
        """The next item; at the end of the list, waits if it was told to."""
        if not self.items:
            if self._wait is not None:
                self._wait.wait(20)
            return None
        item = self.items.pop(0)
        if isinstance(item, BaseException):
            raise item
        if isinstance(item, Decoded):
            return item
        return Decoded(item.reshape(-1, 1), RATE_HZ)

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def sound(frames: int, value: float = 0.5) -> np.ndarray:
    """A constant."""
    return np.full(frames, value, np.float32)


def reader(open_decoder: Callable[[], Script]) -> ReopeningReader:
    """A reader of mono sound with short waits."""
    return ReopeningReader(open_decoder, Conform(1, 1, RATE_HZ), SETTINGS, "test")


def deliveries(live: ReopeningReader, count: int) -> list[Delivery]:
    """The next things that happen; the test fails when one does not within 20 s."""
    found: list[Delivery] = []
    while len(found) < count:
        delivery = live.read(20)
        assert delivery is not None
        found.append(delivery)
    return found


def refuse() -> Script:
    """A server that is down."""
    raise SourceUnavailableError("down")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first sample of a connection is dated at once: these decoders send no bursts."""
    monkeypatch.setattr("streamseg.capture.device_clock.SETTLE_S", 0)


def test_end_and_error_are_both_drops(hasty: None) -> None:
    """A stream that ends and one that breaks are lost, opened again, and every decoder closed."""
    hold = threading.Event()
    broken = Script(sound(10), SourceUnavailableError("broken pipe"))
    last = Script(sound(10), wait=hold)
    queue = [broken, last]
    first = Script(sound(10))
    live = reader(lambda: queue.pop(0))
    live.start(first)
    try:
        kinds = deliveries(live, 7)
    finally:
        hold.set()
        live.close()
    assert [type(kind) for kind in kinds] == [Block, Lost, Restored, Block, Lost, Restored, Block]
    assert [kind.reason for kind in kinds if isinstance(kind, Lost)] == [
        "the stream ended",
        "broken pipe",
    ]
    for before, after in ((kinds[1], kinds[2]), (kinds[4], kinds[5])):
        assert isinstance(after, Restored)
        assert after.sample == before.sample + round(after.gap_s * RATE_HZ)
        # What came at once was on air just before: ten samples are a thousandth of a second.
        assert after.gap_s >= SETTINGS.retry_first_s - 0.01
    assert first.closed
    assert broken.closed
    assert last.closed


def test_waits_double_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits between attempts double and then stay at the longest."""
    waits: list[float] = []
    live = reader(refuse)

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == 6

    monkeypatch.setattr(live._stop, "wait", wait)
    live.start(Script(sound(10)))
    live._thread.join(20)
    assert waits == [0.05, 0.1, 0.2, 0.2, 0.2, 0.2]


def test_slow_analysis_drops_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not fit the ring is one loss at its place, and the counter stays true."""
    hold = threading.Event()
    seen = threading.Event()

    class Flood(Script):
        def read(self) -> Decoded | None:
            if not self.items:
                seen.set()
            return super().read()

    # Ten times the ring, in pieces that each look like live sound to the pacing.
    flood = Flood(*[sound(800, value) for value in range(400)], wait=hold)
    live = reader(refuse)
    # Without brakes, as from a server that cannot be held back.
    monkeypatch.setattr(live._stop, "wait", lambda _: False)
    live.start(flood)
    try:
        assert seen.wait(20)
        heard = 0
        while isinstance(block := live.read(0), Block):
            assert block.sample == heard
            heard += block.samples.size
        assert heard == round(SETTINGS.ring_s * RATE_HZ)
        flood.items.append(sound(800, 99))
        hold.set()
        loss = None
        while not isinstance(loss, Loss | Lost):
            loss = live.read(20)
    finally:
        live.close()
    # The flood ends before the late piece is looked at, so the hole is closed by the drop.
    assert loss == Loss(400 * 800, 400 * 800 - heard, "ring")


def test_burst_waits_in_the_socket() -> None:
    """A server that sends a minute at once overflows nothing: the reader leaves it there."""
    hold = threading.Event()
    burst = Script(*[sound(800) for _ in range(600)], wait=hold)
    live = reader(refuse)
    live.start(burst)
    try:
        time.sleep(0.3)
        assert len(burst.items) > 500
        assert all(isinstance(delivery, Block) for delivery in deliveries(live, 1))
    finally:
        hold.set()
        live.close()


def test_unforeseen_error_reaches_the_reader() -> None:
    """A bug in the decoder thread is raised where the source is read, after what was heard."""
    live = reader(refuse)
    live.start(Script(sound(10), ZeroDivisionError("a bug")))
    try:
        assert isinstance(deliveries(live, 1)[0], Block)
        with pytest.raises(ZeroDivisionError, match="a bug"):
            live.read(20)
    finally:
        live.close()


def test_nothing_for_a_while_is_none() -> None:
    """A stream that is silent on the wire gives None after the time-out, and close ends it."""
    hold = threading.Event()
    live = reader(refuse)
    live.start(Script(wait=hold))
    assert live.read(0.01) is None
    hold.set()
    live.close()
    assert not live._thread.is_alive()


def stamped(at_s: float, value: float) -> Decoded:
    """A tenth of a second with the sender's time."""
    return Decoded(sound(RATE_HZ // 10, value).reshape(-1, 1), RATE_HZ, at_s)


def test_the_senders_clock_leaves_out_what_was_heard_and_measures_what_was_not() -> None:
    """Sound that is sent again is not heard again; the gap is what lies between, to the sample."""
    hold = threading.Event()
    first = Script(*[stamped(10 + k / 10, k) for k in range(4)])
    # A server whose sender is gone: the same again, then the end.
    again = Script(*[stamped(10.2 + k / 10, 2 + k) for k in range(2)])
    # It is back: the last of the old, half of it overlapping, and then, after a hole, the new.
    back = Script(stamped(10.35, 3.5), stamped(10.45, 4.5), wait=hold)
    later = [again, back]
    live = reader(lambda: later.pop(0))
    live.start(first)
    try:
        found = deliveries(live, 4)
        while back.items:
            time.sleep(0.01)
        found += [each for each in iter(lambda: live.read(0.05), None)]
    finally:
        hold.set()
        live.close()
    kinds = [type(each) for each in found if not isinstance(each, Block)]
    assert kinds == [Lost, Restored]
    heard = np.concatenate([each.samples for each in found if isinstance(each, Block)])
    expected = [sound(800, k) for k in range(4)] + [sound(400, 3.5), sound(800, 4.5)]
    np.testing.assert_array_equal(heard, np.concatenate(expected))
    restored = next(each for each in found if isinstance(each, Restored))
    assert (restored.gap_s, restored.sample) == (0.0, 3200)


def test_a_gap_by_the_senders_clock_is_exact() -> None:
    """However the server's bursts arrive, 2.5 s are missing."""
    hold = threading.Event()
    back = Script(*[stamped(12.9 + k / 10, k) for k in range(5)], wait=hold)
    live = reader(lambda: back)
    live.start(Script(*[stamped(10 + k / 10, k) for k in range(4)]))
    # Two and a half seconds cannot be missing after a moment, unless it came late before.
    try:
        found: list[Delivery] = []
        while not any(isinstance(each, Restored) for each in found):
            found += deliveries(live, 1)
    finally:
        hold.set()
        live.close()
    restored = next(each for each in found if isinstance(each, Restored))
    assert restored.gap_s == pytest.approx(2.5, abs=1 / RATE_HZ)


def test_without_reopening_a_drop_is_an_error() -> None:
    """What was heard comes first."""
    settings = SETTINGS.model_copy(update={"reopen": False})
    live = ReopeningReader(refuse, Conform(1, 1, RATE_HZ), settings, "test")
    live.start(Script(sound(10)))
    try:
        assert isinstance(deliveries(live, 1)[0], Block)
        with pytest.raises(SourceUnavailableError, match="got: the stream ended"):
            live.read(20)
    finally:
        live.close()


def test_a_burst_after_a_drop_shortens_the_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that sends the last half second first: that was on air before, and is no gap."""
    clock_s = [100.0]
    monkeypatch.setattr("streamseg.capture.reopening.now_s", lambda: clock_s[0])
    hold = threading.Event()

    class Live(Script):
        """Half a second at once, and then as it is made."""

        def read(self) -> Decoded | None:
            if len(self.items) <= 15:
                clock_s[0] += 0.1
            return super().read()

    def open_later() -> Script:
        clock_s[0] += 1.5
        return Live(*[sound(800) for _ in range(20)], wait=hold)

    live = reader(open_later)
    live.start(Script(sound(800)))
    try:
        found: list[Delivery] = []
        while not any(isinstance(each, Restored) for each in found):
            found += deliveries(live, 1)
    finally:
        hold.set()
        live.close()
    restored = next(each for each in found if isinstance(each, Restored))
    assert restored.gap_s == pytest.approx(1.5 - 0.5, abs=1e-6)
