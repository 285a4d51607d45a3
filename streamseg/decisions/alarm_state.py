"""The state machine of one alarm rule: from one verdict per tick to raised and cleared.

It is the same for every rule and published here, as that of the segments is in ``hysteresis``. A
tick is a stretch of sound of fixed length; its verdict is *bad*, *good*, or unknown, and an unknown
tick does not exist for the machine. The limits are counted in ticks.

========  ======================================  ========  =======================================
state     condition                               next      what happens
========  ======================================  ========  =======================================
fine      bad                                     pending   start := where it turned bad
pending   bad, start is ``hold`` ago              raised    Raised(severity, start)
pending   good for ``bridge`` in a row            fine      it did not last: nothing is said
raised    bad, start is the next ``hold`` ago     raised    Raised(higher severity, start)
raised    good                                    calming   end := where it turned good
calming   bad for ``relapse`` in a row            raised    the calm was a break in it
calming   good, end is ``recovery`` ago, and at   fine      Cleared(start, end)
          least half of the ticks since are good
calming   bad, end is ``recovery`` ago, and less  raised    single good ticks are no recovery
          than half of the ticks since are good
========  ======================================  ========  =======================================

``Alarm`` puts a limit of rate around it: the ``rate_max``-th alarm within ``rate_window`` is said
to be *flapping*. From there on the rule counts as broken, and what comes is counted and not said,
until it has been fine for a whole ``rate_window``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from streamseg.messages import Severity

RANK: dict[Severity | None, int] = {None: 0, "warn": 1, "alarm": 2}


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits in ticks, each at least 1; see the table of the module."""

    holds: tuple[tuple[Severity, int], ...]
    """In rising order."""
    bridge: int
    recovery: int
    relapse: int


@dataclass(frozen=True, slots=True)
class Raised:
    """The condition has lasted long enough for this severity."""

    severity: Severity
    start: int
    """Sample at which it began."""
    worst: float | None
    flapping: bool = False


@dataclass(frozen=True, slots=True)
class Cleared:
    """The condition is over."""

    severity: Severity
    """The highest that was raised."""
    start: int
    end: int
    worst: float | None
    occurrences: int = 1


class _Machine:
    """The table of the module."""

    def __init__(self, patience: Patience, worse: Callable[[float, float], float]) -> None:
        self.patience = patience
        self._worse = worse
        self.reset()

    def reset(self) -> None:
        self.start: int | None = None
        self.severity: Severity | None = None
        self.worst: float | None = None
        self._ticks = 0  # since start
        self._calm = 0  # good ticks in a row, while pending
        self.end: int | None = None  # while calming
        self._since_end = self._good = self._bad_run = 0

    def step(self, bad: bool, at: int, value: float | None) -> Raised | Cleared | None:
        if bad:
            return self._bad(at, value)
        if self.severity is None:
            if self.start is not None:
                self._calm += 1
                if self._calm >= self.patience.bridge:
                    self.reset()
            return None
        self._ticks += 1
        if self.end is None:
            self.end = at
            self._since_end = self._good = 0
        self._bad_run = 0
        self._since_end += 1
        self._good += 1
        if self._since_end >= self.patience.recovery and 2 * self._good >= self._since_end:
            return self.close(self.end)
        return None

    def _bad(self, at: int, value: float | None) -> Raised | None:
        if self.start is None:
            self.start = at
        if value is not None:
            self.worst = value if self.worst is None else self._worse(self.worst, value)
        self._ticks += 1 + self._calm
        self._calm = 0
        if self.end is not None:
            self._since_end += 1
            self._bad_run += 1
            sparse = self._since_end >= self.patience.recovery and 2 * self._good < self._since_end
            if self._bad_run < self.patience.relapse and not sparse:
                return None
            self.end = None
        due: Severity | None = None
        for severity, hold in self.patience.holds:
            if self._ticks >= hold:
                due = severity
        if due is None or RANK[due] <= RANK[self.severity]:
            return None
        self.severity = due
        return Raised(due, self.start, self.worst)

    def interrupt(self) -> None:
        """Nobody heard what came here: a condition must last anew, a calm too."""
        if self.severity is None:
            self.reset()
        self.end = None

    def close(self, end: int) -> Cleared | None:
        """The condition is over, or nobody listens any more; then as ``reset``."""
        said = None
        if self.severity is not None and self.start is not None:
            said = Cleared(self.severity, self.start, max(self.start, end), self.worst)
        self.reset()
        return said


class Alarm:
    """One rule of one source. ``step`` is constant in time; memory is ``rate_max`` numbers."""

    def __init__(
        self,
        patience: Patience,
        worse: Callable[[float, float], float] = max,
        rate_max: int = 1_000_000,
        rate_window: int = 1,
    ) -> None:
        """``worse`` picks the worse of two values; ``rate_window`` is in ticks."""
        self._machine = _Machine(patience, worse)
        self._worse = worse
        self._rate_max, self._rate_window = rate_max, rate_window
        self._recent: deque[int] = deque(maxlen=rate_max)  # ticks at which it was raised
        self._tick = 0
        self._forget()

    def _forget(self) -> None:
        self.standing: Severity | None = None
        """The severity that was said last, while it is not cleared."""
        self.flapping = False
        self._on = False  # the machine is in one of the states behind Raised
        self._count = 0
        self._start = self._end = 0  # of the first occurrence, of the last
        self._worst: float | None = None
        self._fine_since = 0  # tick

    @property
    def strict(self) -> bool:
        """Whether the condition must pass its stricter limit to be good: it is raised now."""
        return self._on

    @property
    def since(self) -> int | None:
        """Where the condition began that is pending or raised; None in state fine."""
        return self._machine.start

    def expect(self, patience: Patience) -> None:
        """Other limits from the next tick on."""
        self._machine.patience = patience

    def step(self, bad: bool | None, at: int, value: float | None = None) -> list[Raised | Cleared]:
        """One tick. ``at``: the sample at which it turned bad or good, if it has just turned."""
        if bad is None:
            return []
        self._tick += 1
        change = self._machine.step(bad, at, value)
        if isinstance(change, Raised):
            return self._raised(change)
        if isinstance(change, Cleared):
            return self._cleared(change)
        if self.flapping and not self._on and self._tick - self._fine_since >= self._rate_window:
            return self._said_cleared()
        return []

    def interrupt(self) -> None:
        """A hole in the sound."""
        self._machine.interrupt()

    def close(self, end: int) -> list[Raised | Cleared]:
        """The end of the sound: clears what is raised."""
        change = self._machine.close(end)
        if isinstance(change, Cleared) and (said := self._cleared(change)):
            return said
        return self._said_cleared() if self.standing is not None else []

    def _raised(self, change: Raised) -> list[Raised | Cleared]:
        if self.standing is None:
            while self._recent and self._tick - self._recent[0] >= self._rate_window:
                self._recent.popleft()
            self._recent.append(self._tick)
            self.flapping = len(self._recent) >= self._rate_max
            self._start = change.start
        if not self._on:
            self._count += 1
        self._on = True
        self._keep(change.worst)
        if RANK[change.severity] <= RANK[self.standing]:
            return []
        self.standing = change.severity
        return [replace(change, flapping=self.flapping)]

    def _cleared(self, change: Cleared) -> list[Raised | Cleared]:
        self._on = False
        self._keep(change.worst)
        self._end, self._fine_since = change.end, self._tick
        return [] if self.flapping else self._said_cleared()

    def _said_cleared(self) -> list[Raised | Cleared]:
        assert self.standing is not None
        said = Cleared(self.standing, self._start, self._end, self._worst, self._count)
        self._forget()
        return [said]

    def _keep(self, value: float | None) -> None:
        if value is not None:
            self._worst = value if self._worst is None else self._worse(self._worst, value)
