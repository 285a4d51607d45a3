"""``window_mask`` as the product runs it, with its single windows listened to on the way.

The evaluation asks for both: what one window says, and the map that all of them make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streamseg.frontend.features import log_bands
from streamseg.frontend.stft import Stft
from streamseg.messages import STEP, Float32Array, Mask, Spectra
from streamseg.models import MaskJob, MaskNetwork, load_card
from streamseg.models.card import MapSpec, ModelCard
from streamseg.models.session import Session
from streamseg.resources import models_dir

_PIECE = 1024  # frames a call: longer ones leave the processor's cache


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a network draws of a sound.

    Shape: ``windows`` is (steps, positions, classes) float32, whole windows only: step s begins
    with time unit s, position p with frequency unit p. ``mask.prob`` has a time unit for every 16
    frames.
    """

    windows: Float32Array
    mask: Mask


class _Tapped(Session):
    """A session that keeps a copy of what it answers."""

    def __init__(self, path: Path, card: ModelCard) -> None:
        super().__init__(path, card, "cpu")
        self.heard: list[Float32Array] = []

    def run(
        self, features: Float32Array, state: Sequence[Float32Array]
    ) -> tuple[list[Float32Array], list[Float32Array]]:
        outputs, following = super().run(features, state)
        self.heard.append(outputs[0][0])
        return outputs, following


class MaskEar:
    """One mask network; ``hear`` starts a new stream each time."""

    def __init__(self, stem: str = "window_mask", folder: Path | None = None) -> None:
        """Raises ModelError for a damaged network."""
        self.card = load_card(stem, folder)
        assert self.card.map is not None
        self.map: MapSpec = self.card.map
        self._session = _Tapped((folder or models_dir()) / f"{stem}.onnx", self.card)
        self._network = MaskNetwork(self.card, self._session)

    def hear(self, samples: Float32Array) -> Drawn:
        """Shape: ``samples`` is (n,) float32 at the network's rate, at least one window long."""
        features = log_bands(self.card.front_end).push(samples)
        stream = self._network.open(self.card.front_end.rate_hz)
        self._session.heard.clear()
        final = []
        for first in range(0, len(features), _PIECE):
            piece = features[first : first + _PIECE]
            power = np.zeros(len(piece), np.float32)
            spectra = Spectra("", piece, power, np.empty(0, STEP), first, 0)
            final += self._network.run([MaskJob(stream, spectra)])[0]
        final = [mask for mask in (*final, *self._network.finish(stream, "", 0)) if mask.final]
        prob = np.concatenate([mask.prob for mask in final], axis=2)
        one = final[0]
        mask = Mask("", one.classes, prob, one.freq_hz, one.sample, one.unit_s, final=True)
        windows = np.concatenate(self._session.heard)[self.map.unit_steps - 1 :]
        return Drawn(windows, mask)

    def unit_power(self, samples: Float32Array) -> Float32Array:
        """Mean power of a pixel in each unit of the map, (time units, frequency units)."""
        front, spec = self.card.front_end, self.map
        spectrum = Stft(front.n_fft, front.hop).push(samples)[:, : front.n_mels]
        power = spectrum.real**2 + spectrum.imag**2
        times, rows = len(power) // spec.unit_frames, front.n_mels // spec.unit_bins
        units = power[: times * spec.unit_frames].reshape(
            times, spec.unit_frames, rows, spec.unit_bins
        )
        return np.asarray(units.mean(axis=(1, 3)), np.float32)

    def window_power(self, unit_power: Float32Array) -> Float32Array:
        """Mean power of a pixel in each window, (steps, positions), from that of the units."""
        shape = (self.map.unit_steps, self.map.unit_rows)
        views = np.lib.stride_tricks.sliding_window_view(unit_power, shape)
        return np.asarray(views.mean(axis=(2, 3)), np.float32)
