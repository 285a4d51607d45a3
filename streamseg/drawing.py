"""The networks that draw masks, as ``mask_stage`` sees them: one way to call either kind.

``MaskDrawer`` draws what belongs to music, speech and noise; ``StemDrawer`` drums, bass, other and
vocals, and says of them what kind of music they are. Each belongs to the worker thread of its
stage. Nothing waits here but what the networks keep of their streams.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from streamseg.messages import FrameGrid, Genre, Mask, Spectra
from streamseg.models import (
    GenreJob,
    GenreNetwork,
    GenreStream,
    MaskJob,
    MaskNetwork,
    MaskStream,
    ModelCard,
    StemJob,
    StemNetwork,
    StemStream,
)

S = TypeVar("S")
"""What a network keeps of one source."""


class Drawer(Protocol[S]):
    """A network that draws masks, batched over streams."""

    @property
    def card(self) -> ModelCard:
        """Of the network that draws."""
        ...

    @property
    def flush_frames(self) -> int:
        """Feature frames that must follow the last one until its masks are out."""
        ...

    def grid(self, rate_hz: int) -> FrameGrid:
        """Where the masks lie on the sample counter of a source at ``rate_hz``."""
        ...

    def open(self, source: str, rate_hz: int) -> S:
        """A stream at its start."""
        ...

    def draw(self, given: Sequence[tuple[S, Spectra]]) -> list[list[Mask]]:
        """The masks of each, in order; a stream may occur once."""
        ...

    def finish(self, stream: S, source: str, origin: int) -> list[Mask]:
        """The last masks of a stretch; the next spectra of the stream begin another."""
        ...


class MaskDrawer:
    """Masks of the classes."""

    def __init__(self, network: MaskNetwork) -> None:
        self._network = network
        self.card = network.card
        self.flush_frames = network.flush_frames
        self.grid = network.grid

    def open(self, source: str, rate_hz: int) -> MaskStream:
        """A stream at its start."""
        return self._network.open(rate_hz)

    def draw(self, given: Sequence[tuple[MaskStream, Spectra]]) -> list[list[Mask]]:
        """The masks of each, in order."""
        return self._network.run([MaskJob(stream, spectra) for stream, spectra in given])

    def finish(self, stream: MaskStream, source: str, origin: int) -> list[Mask]:
        """The units that no window covers any more."""
        return self._network.finish(stream, source, origin)


@dataclass(frozen=True, slots=True)
class BandStream:
    """What is kept of one source."""

    stems: StemStream
    genre: GenreStream | None


class StemDrawer:
    """Masks of the stems; ``genres`` is called with what the genre network makes of them."""

    def __init__(
        self,
        network: StemNetwork,
        genre_network: GenreNetwork | None = None,
        genres: Callable[[Genre], None] = lambda genre: None,
    ) -> None:
        self._network, self._genre_network, self._genres = network, genre_network, genres
        self.card = network.card
        self.flush_frames = network.flush_frames
        self.grid = network.grid

    def open(self, source: str, rate_hz: int) -> BandStream:
        """A stream at its start."""
        genre = self._genre_network.open(source, rate_hz) if self._genre_network else None
        return BandStream(self._network.open(rate_hz), genre)

    def draw(self, given: Sequence[tuple[BandStream, Spectra]]) -> list[list[Mask]]:
        """The masks of each, in order; before they are handed out, genres are told."""
        drawn = self._network.run([StemJob(stream.stems, spectra) for stream, spectra in given])
        if self._genre_network is not None:
            jobs = [
                GenreJob(stream.genre, [spectra], masks)
                for (stream, spectra), masks in zip(given, drawn, strict=True)
                if stream.genre is not None
            ]
            for said in self._genre_network.run(jobs):
                for genre in said:
                    self._genres(genre)
        return drawn

    def finish(self, stream: BandStream, source: str, origin: int) -> list[Mask]:
        """Nothing is left: ``flush_frames`` of silence have brought all out."""
        if self._genre_network is not None and stream.genre is not None:
            self._genre_network.finish(stream.genre)
        return self._network.finish(stream.stems, source, origin)
