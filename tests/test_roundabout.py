"""Many sources on one thread: each in its turn, each with its own end."""

from __future__ import annotations

import threading

import pytest

from streamseg.roundabout import MOST_STEPS, Roundabout

WAIT_S = 20


class Passenger:
    """Has so much to do, then ends, or fails."""

    def __init__(self, steps: int, error: Exception | None = None, bad_end: bool = False) -> None:
        self.steps, self.error, self.bad_end = steps, error, bad_end
        self.threads: set[str] = set()
        self.finished = 0

    @property
    def exhausted(self) -> bool:
        """Nothing left to do."""
        return self.steps == 0 and self.error is None

    def step(self, timeout_s: float) -> bool:
        """One step."""
        assert timeout_s == 0
        self.threads.add(threading.current_thread().name)
        if self.steps == 0 and self.error is not None:
            raise self.error
        self.steps -= 1
        return True

    def finish(self) -> None:
        """Counts."""
        self.finished += 1
        if self.bad_end:
            raise ValueError("bad end")


def ride(roundabout: Roundabout, passenger: Passenger, errors: list[Exception]) -> threading.Thread:
    """On a thread of its own, as a source does it."""

    def run() -> None:
        try:
            roundabout.ride(passenger)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.fixture
def stop() -> threading.Event:
    """Ends it."""
    return threading.Event()


def test_everybody_is_served_by_one_thread_and_leaves_alone(stop: threading.Event) -> None:
    """The end or the error of one is nothing to the others; errors come out where one rode."""
    roundabout = Roundabout(stop)
    roundabout.start()
    good = [Passenger(steps) for steps in (0, 1, 200)]
    bad = Passenger(5, error=OSError("unplugged"))
    worse = Passenger(1, bad_end=True)
    errors: list[Exception] = []
    threads = [ride(roundabout, passenger, errors) for passenger in (*good, bad, worse)]
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    stop.set()
    assert {str(error) for error in errors} == {"unplugged", "bad end"}
    assert all(passenger.finished == 1 for passenger in (*good, bad, worse))
    assert set().union(*(passenger.threads for passenger in good)) == {"live sources"}


def test_who_comes_after_the_end_is_finished_and_does_not_wait(stop: threading.Event) -> None:
    """A source that took long to open may be ready only when everything has been stopped."""
    roundabout = Roundabout(stop)
    roundabout.start()
    stop.set()
    errors: list[Exception] = []
    # Whether the thread has ended when they come is a matter of chance: let there be many.
    late = [Passenger(-1) for _ in range(50)]
    threads = [ride(roundabout, passenger, errors) for passenger in late]
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    assert errors == []
    assert all(passenger.finished == 1 for passenger in late)
    assert not any(passenger.threads for passenger in late)


def test_a_long_backlog_of_one_does_not_hold_up_the_others(stop: threading.Event) -> None:
    """However much one has, the other is served in the same round."""
    order: list[str] = []

    class Named(Passenger):
        """Writes down when it is served."""

        def __init__(self, name: str, steps: int) -> None:
            super().__init__(steps)
            self.name = name

        def step(self, timeout_s: float) -> bool:
            order.append(self.name)
            return super().step(timeout_s)

    roundabout = Roundabout(stop)
    errors: list[Exception] = []
    both = [Named("long", 10 * MOST_STEPS), Named("short", 1)]
    threads = [ride(roundabout, passenger, errors) for passenger in both]
    roundabout.start()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    stop.set()
    assert order.index("short") <= 2 * MOST_STEPS
    assert order.count("long") == 10 * MOST_STEPS


def test_stopping_ends_everybody_in_order(stop: threading.Event) -> None:
    """Those who would go on for ever are finished too."""
    roundabout = Roundabout(stop)
    roundabout.start()
    endless = [Passenger(-1), Passenger(-1)]
    errors: list[Exception] = []
    threads = [ride(roundabout, passenger, errors) for passenger in endless]
    while not all(passenger.threads for passenger in endless):
        stop.wait(0.01)
    stop.set()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    assert errors == []
    assert [passenger.finished for passenger in endless] == [1, 1]
