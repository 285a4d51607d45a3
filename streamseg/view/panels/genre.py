"""What kind of music is on air, as the genre network says it, and of which stretch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QSizePolicy

from streamseg.view.axis import clock_text
from streamseg.view.deck import Deck
from streamseg.view.records import Snapshot

CAVEAT = (
    "The network was trained on generated dance music of these kinds only: it gives every music "
    "one of these names, and how sure it is says little of other music."
)
STALE_S = 15.0  # without anything newer, nothing is said any more


@dataclass(frozen=True, slots=True)
class Kind:
    """What the line says."""

    text: str
    tip: str


def kind_of(snapshot: Snapshot, begin: datetime | None) -> Kind | None:
    """Only while music is on air, and only of what was heard since it began.

    None where no network listens for it. ``begin``: time of day of sample 0, if that is shown.
    """
    source, genre = snapshot.source, snapshot.genre
    if source is None or not source.genre:
        return None
    about = f"{CAVEAT}\nNetwork: {source.genre}."
    starts = [s.start for s in snapshot.spans if s.end is None and s.label == "music"]
    if not starts or snapshot.condition != "live":
        return Kind("", f"Kind of music, while music is on air.\n{about}")
    old = genre is None or genre.end <= starts[0]
    if genre is None or old or snapshot.seconds(snapshot.edge - genre.end) > STALE_S:
        return Kind("kind of music: listening …", f"It needs about ten seconds.\n{about}")
    best = int(genre.prob.argmax())
    first, last = (clock_text(snapshot.seconds(at), begin) for at in (genre.sample, genre.end))
    order = sorted(zip(genre.prob.tolist(), genre.classes, strict=True), reverse=True)
    shares = ", ".join(f"{name} {100 * share:.0f} %" for share, name in order)
    text = f"like {genre.classes[best]} {100 * genre.prob[best]:.0f} %, {first} – {last}"
    return Kind(text, f"{shares}\n{about}")


class GenreLine(QLabel):
    """One line beneath the words; not there where nothing could be said."""

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._deck = deck
        self._said: tuple[object, ...] = ()
        self.setAccessibleName("Kind of music")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.hide()

    def refresh(self) -> None:
        """Say what is new."""
        snapshot = self._deck.snapshot
        second = snapshot.edge // max(1, snapshot.rate_hz)
        now = (snapshot.session, second, snapshot.spans, id(snapshot.genre), self._deck.begin)
        if now == self._said:
            return
        self._said = now
        kind = kind_of(snapshot, self._deck.begin)
        if (kind is not None) != self.isVisibleTo(self.parentWidget()):
            self.setVisible(kind is not None)
        if kind is not None and (kind.text, kind.tip) != (self.text(), self.toolTip()):
            self.setText(kind.text)
            self.setToolTip(kind.tip)
            self.setAccessibleDescription(f"{kind.text}\n{kind.tip}".strip())
