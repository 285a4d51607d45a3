"""A network that says what kind of music plays, from the stems that another network found.

``GenreNetwork`` belongs to the thread of its ``StemNetwork``, batched over sources. It hears no
samples: a ``GenreStream`` takes the feature frames of the mixture and the masks that came of them,
gives each stem its share of the power (mask squared, since a mask is a gain), and keeps ten seconds
of mel spectrograms a stem. The masks are late by the look-ahead of the stem network; so long the
frames wait here. Whatever splits frames and masks into calls, and whatever else is in the batch,
the answers are the same (to the rounding of float32 sums). Nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamseg.errors import ModelError
from streamseg.frontend import units
from streamseg.frontend.mel import mel_filters
from streamseg.frontend.spec import FrontEndSpec
from streamseg.messages import Float32Array, FrameGrid, Genre, Mask, Spectra, following
from streamseg.models.card import ModelCard, PictureSpec
from streamseg.models.session import Session

MOST_WAITING = 512
"""Feature frames that may wait for their masks (12 s): many times any look-ahead."""

_BATCH = 16  # windows in one call: the first layer holds 2 MB for each


class StemMel:
    """Frames of a mixture and their masks to mel spectrograms of the stems."""

    def __init__(self, front: FrontEndSpec, spec: PictureSpec) -> None:
        filters = mel_filters(front.rate_hz, front.n_fft, spec.bands, 0.0, front.rate_hz / 2)
        # Inside a unit all bins are taken to be alike: the mean of its filters stands for them.
        sizes = np.diff(np.append(units.STARTS, units.BINS))
        of_units = np.add.reduceat(filters[: units.BINS], units.STARTS, axis=0) / sizes[:, None]
        self._filters = np.ascontiguousarray(of_units, np.float32)
        self._floor = np.float32(10 ** (spec.floor_db / 10))

    def power(self, features: Float32Array) -> Float32Array:
        """Decibels of bins (frames, 1024 or more) to power of units (frames, 512)."""
        bins = features[:, : units.BINS]
        return units.sums(np.power(np.float32(10), bins * np.float32(0.1)))

    def decibels(self, power: Float32Array, gains: Float32Array) -> Float32Array:
        """Shape: ``power`` is (frames, 512), ``gains`` (frames, stems, 512) from 0 to 1; what comes
        out is (frames, stems, bands) float32 decibels, limited below.
        """
        shares = power[:, None, :] * np.square(gains)
        mel = np.maximum(shares @ self._filters, self._floor)
        return np.asarray(10 * np.log10(mel), np.float32)


class GenreStream:
    """What a genre network remembers of one source: a window of its stems, at most 1 MB."""

    def __init__(self, source: str, spec: PictureSpec, grid: FrameGrid) -> None:
        self.source = source
        self.grid = grid
        self._spec = spec
        self.reset()

    def reset(self) -> None:
        """Forget the source: the next feature frame is frame 0."""
        self.power = np.empty((0, units.UNITS), np.float32)  # frames whose masks are to come
        self.heard = np.empty((0, len(self._spec.stems), self._spec.bands), np.float32)
        self.first = 0  # frame at which the next window begins, and ``heard``
        self.origin = 0  # sample counter at frame 0


@dataclass(frozen=True, slots=True)
class GenreJob:
    """What is new of one source: feature frames of its mixture, and masks of earlier ones."""

    stream: GenreStream
    spectra: Sequence[Spectra]
    masks: Sequence[Mask]


@dataclass(frozen=True, slots=True)
class _Window:
    """Ten seconds of one source; ``picture`` is (frames, stems, bands) decibels."""

    job: int
    first: int
    picture: Float32Array


class GenreNetwork:
    """A genre network ready to run. Raises ModelError for a card that describes none."""

    def __init__(self, card: ModelCard, session: Session) -> None:
        self.spec = _checked(card)
        self.card = card
        self.provider = session.provider
        self._session = session
        self._mel = StemMel(card.front_end, self.spec)

    @property
    def step_s(self) -> float:
        """Time from one answer to the next."""
        return self.card.hop_s

    @property
    def window_s(self) -> float:
        """Sound that an answer is about."""
        return self.spec.frames * self.card.front_end.hop_s

    def grid(self, rate_hz: int) -> FrameGrid:
        """Where feature frames and masks lie on the sample counter of a source at ``rate_hz``."""
        front = self.card.front_end
        return FrameGrid(rate_hz, front.hop_s, front.n_fft / 2 / front.rate_hz)

    def open(self, source: str, rate_hz: int) -> GenreStream:
        """A stream of a source at ``rate_hz``, at its start."""
        return GenreStream(source, self.spec, self.grid(rate_hz))

    def run(self, jobs: Sequence[GenreJob]) -> list[list[Genre]]:
        """Run every job; the answers of each, in order: one every ``step_s``, the first when
        ``window_s`` of masks are there, and none about a window in which all is silent.

        A stream may occur once. Masks belong to the stream's frames in order, from its first frame
        on. Raises ValueError for a mask without its frame, or when more than ``MOST_WAITING``
        frames have no mask yet.
        """
        windows = [window for index, job in enumerate(jobs) for window in self._windows(index, job)]
        said: list[list[Genre]] = [[] for _ in jobs]
        for at in range(0, len(windows), _BATCH):
            some = windows[at : at + _BATCH]
            prob = self.prob(np.stack([window.picture for window in some]))
            for window, row in zip(some, prob, strict=True):
                said[window.job].append(self._genre(jobs[window.job].stream, window.first, row))
        return said

    def prob(self, pictures: Float32Array) -> Float32Array:
        """What pictures are, those of ``StemMel``.

        Shape: (n, frames, stems, bands) decibels in, (n, classes) out, a row sums to 1.
        """
        features = np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
        (prob,), _ = self._session.run(features, [])
        return np.clip(prob, 0.0, 1.0)

    def finish(self, stream: GenreStream) -> None:
        """The end of a stretch: the next frame is the first of another."""
        stream.reset()

    def _windows(self, index: int, job: GenreJob) -> list[_Window]:
        """Take in what is new, and the windows that it completes."""
        stream, spec = job.stream, self.spec
        for spectra in job.spectra:
            stream.origin = spectra.origin
            stream.power = following(stream.power, self._mel.power(spectra.features))
        for mask in job.masks:
            count = mask.prob.shape[2]
            if count > len(stream.power):
                raise ValueError(
                    f"expected at most {len(stream.power)} masks of {stream.source}, whose frames "
                    f"are here, got {count}"
                )
            gains = mask.prob[[mask.classes.index(stem) for stem in spec.stems]].transpose(2, 0, 1)
            new = self._mel.decibels(stream.power[:count], gains)
            stream.power = stream.power[count:]
            stream.heard = following(stream.heard, new)
        if len(stream.power) > MOST_WAITING:
            raise ValueError(
                f"expected masks of {stream.source} for all but {MOST_WAITING} frames, "
                f"{len(stream.power)} wait"
            )
        windows = []
        while len(stream.heard) >= spec.frames:
            picture = stream.heard[: spec.frames]
            if picture.max() >= spec.silent_db:
                windows.append(_Window(index, stream.first, picture))
            stream.heard = stream.heard[self.card.stride :]
            stream.first += self.card.stride
        return windows

    def _genre(self, stream: GenreStream, first: int, prob: Float32Array) -> Genre:
        sample = stream.grid.start(stream.origin, first)
        end = stream.grid.start(stream.origin, first + self.spec.frames)
        return Genre(stream.source, self.card.classes, prob, sample, end)


def _checked(card: ModelCard) -> PictureSpec:
    if card.picture is None:
        raise ModelError(
            f"expected a card with a picture section, got {card.stem}, which says no genre"
        )
    front = card.front_end
    wrong = {
        f"{units.BINS} linear bands": front.scale != "linear" or front.n_mels != units.BINS,
        "a stride of at most one picture": card.stride > card.picture.frames,
        "no state": bool(card.state),
        "one output": len(card.outputs) != 1,
        "classes that exclude each other": card.overlapping,
    }
    for expected in (what for what, is_wrong in wrong.items() if is_wrong):
        raise ModelError(f"model card {card.stem}: expected {expected} of a genre; reinstall it")
    return card.picture
