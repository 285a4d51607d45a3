"""The selected region: hear it, save it. GUI thread; a device is opened on another."""

from __future__ import annotations

import threading
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QFileDialog, QWidget

from streamseg.errors import CannotWriteError, StreamsegError
from streamseg.view.deck import Deck, Selection
from streamseg.view.engine import Player
from streamseg.view.export import Region, save_frames, save_labels, save_wav

FILTERS = {
    "Sound (*.wav)": ".wav",
    "Picture of the window (*.png)": ".png",
    "Frames: probabilities and level (*.csv)": ".csv",
    "Labels for Audacity (*.txt)": ".txt",
}


class RegionTools(QObject):
    """Acts on the selection, or on the whole picture where nothing is selected."""

    told = pyqtSignal(str)
    """Something for the status bar; from any thread."""

    def __init__(self, deck: Deck, player: Player, window: QWidget) -> None:
        super().__init__(window)
        self._deck, self._player, self._window = deck, player, window
        self._from_s = 0.0

    @property
    def span(self) -> Selection:
        """Selection or picture, in seconds."""
        view = self._deck.viewport
        return self._deck.selection or (max(view.first_s, view.start_s), view.stop_s)

    def mark(self, which: str) -> None:
        """Put one end of the selection at the cursor (at the picture's edge without one)."""
        deck = self._deck
        start, stop = self.span
        at = deck.cursor_s
        if which == "start":
            start = deck.viewport.start_s if at is None else at
            stop = max(stop, start)
        else:
            stop = deck.viewport.stop_s if at is None else at
            start = min(start, stop)
        deck.viewport.freeze()
        deck.select(start, stop)

    def toggle_play(self) -> None:
        """Play the region, or be quiet."""
        if self._player.played_s is not None:
            self._player.stop()
            self.follow()
            return
        snapshot = self._deck.snapshot
        region = Region.of(snapshot, *self.span)
        if region.stop <= region.start:
            self.told.emit("Nothing to play: no sound has been heard here.")
            return
        samples = self._deck.state.audio(region.start, region.stop)
        self._from_s = snapshot.seconds(region.start)
        threading.Thread(
            target=self._play, args=(samples, snapshot.rate_hz), name="play", daemon=True
        ).start()

    def _play(self, samples: object, rate_hz: int) -> None:
        try:
            self._player.play(samples, rate_hz)  # type: ignore[arg-type]
        except StreamsegError as error:
            self.told.emit(str(error))

    def follow(self) -> None:
        """Move the line of what is being heard."""
        played_s = self._player.played_s
        at = None if played_s is None else self._from_s + played_s
        if at != self._deck.played_s:
            self._deck.played_s = at
            self._deck.moved.emit()

    def ask_and_save(self) -> None:
        """Ask for a file; its ending says what is saved."""
        name, chosen = QFileDialog.getSaveFileName(
            self._window, "Save the region", "region.wav", ";;".join(FILTERS)
        )
        if not name:
            return
        path = Path(name)
        if path.suffix not in FILTERS.values():
            path = path.with_name(path.name + FILTERS[chosen])
        try:
            self.save(path)
        except CannotWriteError as error:
            self.told.emit(str(error))
            return
        self.told.emit(f"saved {path}")

    def save(self, path: Path) -> None:
        """Save the region as what the ending of ``path`` says. Raises CannotWriteError."""
        snapshot, state = self._deck.snapshot, self._deck.state
        region = Region.of(snapshot, *self.span)
        if path.suffix != ".png" and snapshot.source is None:
            raise CannotWriteError("expected sound in the window, got none; open a source first")
        if path.suffix == ".wav":
            save_wav(path, state.audio(region.start, region.stop), snapshot.rate_hz)
        elif path.suffix == ".csv":
            save_frames(path, state, snapshot, region)
        elif path.suffix == ".txt":
            save_labels(path, snapshot, region)
        else:
            save_picture(path, self._window)


def save_picture(path: Path, window: QWidget) -> None:
    """The window as it is. Raises CannotWriteError."""
    if not window.grab().save(str(path)):
        raise CannotWriteError(
            f"expected to write a picture to {path}, got a refusal; choose a .png in a folder "
            "that exists and can be written"
        )
