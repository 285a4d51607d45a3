"""Whether the monitor really does its work: what the watchdog and the status page go by.

Read by any thread. A watchdog that is fed by a timer proves that a timer runs. This one asks what
moves: sound that arrives must be computed, events must reach the log, and a live source that is
said to be up must deliver. A source that is known to be lost is no reason to restart the program:
it is being opened again already.
"""

from __future__ import annotations

import time

from streamseg.sinks.board import Board, SourceState
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.fan_out import FanOut

STUCK_S = 30.0  # far beyond every delay that a busy machine or a slow disk makes
DEAF_S = 60.0  # beyond every timeout of the capture, which would have called the source lost
WAITING_S = 5.0  # sound in the queue: then live sound is being dropped


class Health:
    """Looks at the board, the log and the lanes."""

    def __init__(self, board: Board, log: EventLog, fan_out: FanOut) -> None:
        self._board = board
        self._log = log
        self._fan_out = fan_out

    def stuck(self) -> list[str]:
        """What does not move and should: reasons to be restarted, one sentence each."""
        now_s = time.monotonic()
        found: list[str] = []
        busy_since_s = self._fan_out.busy_since_s
        if busy_since_s is not None and now_s - busy_since_s > STUCK_S:
            found.append(f"the event log has not answered for {now_s - busy_since_s:.0f} s")

        def look(state: SourceState) -> None:
            if state.heard_at_s is None:
                return
            silent_s = now_s - state.heard_at_s
            idle_s = now_s - (state.computed_at_s or state.heard_at_s)
            if state.live and state.condition == "up" and silent_s > DEAF_S:
                found.append(f"{state.name}: no sound for {silent_s:.0f} s, and no word of a loss")
            if state.queue_s > WAITING_S and idle_s > STUCK_S:
                found.append(f"{state.name}: the network has done nothing for {idle_s:.0f} s")

        self._board.read(look)
        return found

    def problems(self) -> list[str]:
        """What somebody should know: all that is stuck, lost, late or dropped."""
        found = self.stuck()

        def look(state: SourceState) -> None:
            if state.condition == "waiting":
                found.append(f"{state.name}: has not been heard yet")
            elif state.condition == "lost":
                found.append(f"{state.name}: lost: {state.reason}")
            elif state.condition == "up" and state.silent:
                found.append(f"{state.name}: delivers nothing but zeros")
            if state.live and state.queue_s > WAITING_S:
                found.append(f"{state.name}: {state.queue_s:.0f} s of sound wait for the network")

        self._board.read(look)
        if self._log.waiting:
            found.append(f"event log: {self._log.waiting} events wait for room on the disk")
        for lane in self._fan_out.lanes:
            if lane.waiting > 10:
                found.append(f"{lane.name}: {lane.waiting} events wait")
            if lane.dropped:
                found.append(f"{lane.name}: {lane.dropped} events were dropped")
        return found
