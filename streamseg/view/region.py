"""The selected region: hear it, also with one class alone; save it; say how loud it is.

Called on the GUI thread. What takes time (reading, masking, writing, opening a device) is an errand
on a thread of its own; a newer wish makes an older one give up.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QFileDialog, QWidget

from streamseg.errors import CannotWriteError, StreamsegError, UsageError
from streamseg.view.deck import Deck, Selection
from streamseg.view.engine import Player
from streamseg.view.errands import Answer, Errands
from streamseg.view.events_text import duration
from streamseg.view.export import Region, file_stem, save_frames, save_labels, save_wav
from streamseg.view.region_sound import Wish, measure, pieces, play

FILTERS = {
    "Sound (*.wav)": ".wav",
    "Picture of the window (*.png)": ".png",
    "Frames: probabilities and level (*.csv)": ".csv",
    "Labels for Audacity (*.txt)": ".txt",
}
LONGEST_PLAYED_S = 900.0  # held in memory while it is played: 350 MB in stereo
LONGEST_MEASURED_S = 600.0


class RegionTools(QObject):
    """Acts on the selection, or on the whole picture where nothing is selected."""

    told = pyqtSignal(str)
    """Something to be read by the user."""
    changed = pyqtSignal()
    """Something is being prepared or played, or no more."""
    measured = pyqtSignal(object, object)
    """A selection and its ``Facts``."""

    def __init__(self, deck: Deck, player: Player, window: QWidget) -> None:
        super().__init__(window)
        self._deck, self._player, self._window = deck, player, window
        self._errands = Errands()
        self._from_s = 0.0
        self._session = deck.snapshot.session
        self._wish = Wish()
        self.preparing = False
        self.keep = ""
        """The class that is heard and saved alone; empty: everything, as it was."""

    @property
    def span(self) -> Selection:
        """Selection or picture, in seconds."""
        view = self._deck.viewport
        return self._deck.selection or (max(view.first_s, view.start_s), view.stop_s)

    @property
    def playing(self) -> bool:
        """Whether a region is heard, or about to be."""
        return self.preparing or self._player.played_s is not None

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
        if self.playing:
            self.stop()
        else:
            self._begin()

    def choose(self, keep: str) -> None:
        """From now on hear and save this class alone, or everything; what is played goes over."""
        self.keep = keep
        if self.playing:
            self._begin()
        self.changed.emit()

    def solo(self, keep: str) -> None:
        """Hear the region with this class alone; once more: everything again."""
        self.keep = "" if self.keep == keep else keep
        self._begin()

    def stop(self) -> None:
        """Be quiet."""
        self._wish.give_up()
        self.preparing = False
        self._player.stop()
        self.follow()
        self.changed.emit()

    def _begin(self) -> None:
        self.stop()
        snapshot = self._deck.snapshot
        region = Region.of(snapshot, *self.span)
        if region.stop <= region.start:
            self.told.emit("Nothing to play: no sound has been heard here.")
            return
        longest = round(LONGEST_PLAYED_S * snapshot.rate_hz)
        if region.stop - region.start > longest:
            region = Region(region.start, region.start + longest)
            self.told.emit(f"Playing the first {duration(LONGEST_PLAYED_S)}.")
        self.preparing = True
        self._from_s = snapshot.seconds(region.start)
        self._wish = wish = Wish()
        player, rate_hz = self._player, snapshot.rate_hz
        try:
            sound = pieces(self._deck.state, region, rate_hz, self.keep)
        except UsageError as error:
            self._failed(wish, str(error))
            return

        def work() -> Answer | None:
            play(wish, player, sound, rate_hz)
            return lambda: self._ready(wish)

        self._errands.run("play", work, lambda text: self._failed(wish, text))
        self.changed.emit()

    def _ready(self, wish: Wish) -> None:
        if wish is self._wish:
            self.preparing = False
            self.changed.emit()

    def _failed(self, wish: Wish, text: str) -> None:
        self.told.emit(text)
        self._ready(wish)

    def follow(self) -> None:
        """Once a picture: hear of what has ended, and move the line of what is being heard."""
        self._errands.answer()
        if self._deck.snapshot.session != self._session:
            # What is played has no place in the picture of another source.
            self._session = self._deck.snapshot.session
            self.keep = ""
            self.stop()
        played_s = self._player.played_s
        at = None if played_s is None else self._from_s + played_s
        if at != self._deck.played_s:
            self._deck.played_s = at
            self._deck.moved.emit()
            if at is None:
                self.changed.emit()

    def measure(self) -> None:
        """Measure the selection, as it was; ``measured`` tells."""
        selection, snapshot = self._deck.selection, self._deck.snapshot
        if selection is None or selection[1] - selection[0] > LONGEST_MEASURED_S:
            return
        region = Region.of(snapshot, *selection)
        rate_hz = snapshot.rate_hz
        sound = pieces(self._deck.state, region, rate_hz)

        def work() -> Answer:
            facts = measure(sound, rate_hz)
            return lambda: self.measured.emit(selection, facts)

        self._errands.run("measure", work, self.told.emit)

    def ask_and_save(self) -> None:
        """Ask for a file; its ending says what is saved."""
        name, chosen = QFileDialog.getSaveFileName(
            self._window, "Save the region", self._proposal(), ";;".join(FILTERS)
        )
        if not name:
            return
        path = Path(name)
        if path.suffix not in FILTERS.values():
            path = path.with_name(path.name + FILTERS[chosen])
        only = f" ({self.keep} only)" if self.keep and path.suffix == ".wav" else ""
        try:
            job = self._job(path)
            if path.suffix == ".png":
                job()
        except StreamsegError as error:
            self.told.emit(str(error))
            return
        if path.suffix == ".png":
            self.told.emit(f"saved {path}")
            return
        self.told.emit(f"saving {path} …")

        def work() -> Answer:
            job()
            return lambda: self.told.emit(f"saved {path}{only}")

        # Who opens another source or closes the window meanwhile still gets the whole file.
        self._errands.run("save", work, self.told.emit, to_its_end=True)

    def _proposal(self) -> str:
        """The source, the moment and what is kept, so that two files have two names."""
        snapshot = self._deck.snapshot
        stem = file_stem(snapshot, self.span[0])
        return f"{stem}-{self.keep}-only.wav" if self.keep else f"{stem}.wav"

    def save(self, path: Path) -> None:
        """Save the region as what the ending of ``path`` says.

        Raises CannotWriteError, and UsageError where one class is to be kept without a mask.
        """
        self._job(path)()

    def _job(self, path: Path) -> Callable[[], None]:
        """What saves the region as it is now; without Qt but for a picture."""
        snapshot, state, keep = self._deck.snapshot, self._deck.state, self.keep
        region = Region.of(snapshot, *self.span)
        if path.suffix == ".png":
            return partial(save_picture, path, self._window)
        if snapshot.source is None:
            raise CannotWriteError("expected sound in the window, got none; open a source first")
        if path.suffix == ".csv":
            frames = state.frames(region.start, region.stop)
            return partial(save_frames, path, frames, snapshot, region)
        if path.suffix == ".txt":
            return partial(save_labels, path, snapshot, region)
        sound = pieces(state, region, snapshot.rate_hz, keep)
        return partial(save_wav, path, sound, snapshot.rate_hz)


def save_picture(path: Path, window: QWidget) -> None:
    """The window as it is. Raises CannotWriteError."""
    if not window.grab().save(str(path)):
        raise CannotWriteError(
            f"expected to write a picture to {path}, got a refusal; choose a .png in a folder "
            "that exists and can be written"
        )
