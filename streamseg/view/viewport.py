"""Which stretch of time is in the picture: live or held still, how wide, where. No Qt.

One for all panels, so that they are in step. A live viewport follows the newest sample; a frozen
one stands, while the sound goes on being recorded.
"""

from __future__ import annotations

from dataclasses import dataclass

SHORTEST_S = 2.0
DEFAULT_SPAN_S = 60.0
_ZOOM = 1.5


@dataclass(slots=True)
class Viewport:
    """``stop_s`` is the right edge, ``span_s`` the width in seconds of the source."""

    span_s: float = DEFAULT_SPAN_S
    stop_s: float = 0.0
    live: bool = True
    first_s: float = 0.0
    """Oldest moment that is kept."""
    edge_s: float = 0.0
    """Newest moment."""
    longest_s: float = 3600.0

    @property
    def start_s(self) -> float:
        """The left edge; negative before a source has filled the picture."""
        return self.stop_s - self.span_s

    @property
    def behind_s(self) -> float:
        """How far the right edge is from the newest moment."""
        return max(0.0, self.edge_s - self.stop_s)

    def follow(self, first_s: float, edge_s: float) -> None:
        """The source has gone on: a live view goes with it."""
        self.first_s, self.edge_s = first_s, edge_s
        if self.live:
            self.stop_s = edge_s

    def freeze(self) -> None:
        """Stand still."""
        self.live = False

    def go_live(self) -> None:
        """Follow the newest sample again."""
        self.live = True
        self.stop_s = self.edge_s

    def toggle(self) -> None:
        """Freeze, or go on."""
        self.freeze() if self.live else self.go_live()

    def scroll(self, by_s: float) -> None:
        """Move; a view that is moved stands still, and reaching the newest moment it is live."""
        was = self.stop_s
        self.stop_s = self._inside(self.stop_s + by_s)
        if by_s > 0 and self.stop_s >= self.edge_s:
            self.live = True
        elif self.stop_s != was:
            self.live = False

    def show(self, moment_s: float) -> None:
        """Bring a moment into the middle of the picture."""
        self.live = False
        self.stop_s = self._inside(moment_s + self.span_s / 2)

    def oldest(self) -> None:
        """Go to the oldest moment that is kept."""
        self.live = False
        self.stop_s = self._inside(self.first_s + self.span_s)

    def zoom(self, steps: float, about_s: float | None = None) -> None:
        """In (positive) or out, keeping a moment in its place; a live view keeps its edge."""
        before = self.span_s
        self.set_span(before / _ZOOM**steps)
        if not self.live:
            about_s = self.stop_s - before / 2 if about_s is None else about_s
            share = (self.stop_s - about_s) / before
            self.stop_s = self._inside(about_s + share * self.span_s)

    def set_span(self, span_s: float) -> None:
        """Show this many seconds."""
        self.span_s = min(self.longest_s, max(SHORTEST_S, span_s))

    def _inside(self, stop_s: float) -> float:
        least = min(self.edge_s, self.first_s + self.span_s)
        return min(self.edge_s, max(least, stop_s))
