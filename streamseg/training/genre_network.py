"""``stem_genre`` as it ships: the paper's best network, "3 spec, 2DConv", for a live window.

Its wiring is that of ``stem_genre.GenreCnn``: two convolutions, each with maximum pooling and batch
normalisation, dropout of a half, one dense layer. Sizes that the paper leaves open were chosen on
the validation pieces; decibels count from the loudest of the window, inside the graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from streamseg.training.dance.genres import GENRES
from streamseg.training.fronts import STEM_UNET_SMALL
from streamseg.training.genre_data import FRAMES
from streamseg.training.genre_pieces import PICTURE, STEP_FRAMES
from streamseg.training.stem_genre import convolution
from streamseg.training.streaming import Network


@dataclass(frozen=True, slots=True)
class Shape:
    """What the paper leaves open; kernels and pools are bands x frames."""

    filters: tuple[int, int] = (8, 16)
    kernels: tuple[tuple[int, int], tuple[int, int]] = ((3, 3), (3, 3))
    pools: tuple[tuple[int, int], tuple[int, int]] = ((4, 8), (4, 14))
    separable: bool = False
    range_db: float = 80.0
    dropout: float = 0.5


class StemGenre(Network):
    """(batch, 3, 128, 458) decibels of bass, drums and other to ``prob`` (batch, 6), a softmax."""

    stem = "stem_genre"
    stride = STEP_FRAMES
    outputs = (("prob", FRAMES),)
    state_shapes = ()

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        self.shape = shape or Shape()
        layers: list[nn.Module] = []
        channels, bands, frames = len(PICTURE.stems), PICTURE.bands, PICTURE.frames
        parts = zip(self.shape.filters, self.shape.kernels, self.shape.pools, strict=True)
        for filters, kernel, pool in parts:
            layers += [
                convolution(channels, filters, kernel, self.shape.separable),
                # A maximum commutes with a ReLU: in this order the large tensor is passed once.
                nn.MaxPool2d(pool),
                nn.ReLU(),
                nn.BatchNorm2d(filters, momentum=0.3),
            ]
            channels, bands, frames = filters, bands // pool[0], frames // pool[1]
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(self.shape.dropout))
        self.dense = nn.Linear(channels * bands * frames, len(GENRES))

    def forward(self, pictures: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """Probabilities; there is no state."""
        return (torch.softmax(self.scores(pictures), dim=1),)

    def scores(self, pictures: Tensor) -> Tensor:
        """Before the softmax, (batch, 6)."""
        range_db = self.shape.range_db
        loudest = pictures.amax(dim=(1, 2, 3), keepdim=True)
        relative = ((pictures - loudest + range_db) / range_db).clamp(0, 1)
        scores: Tensor = self.dense(self.features(relative))
        return scores

    def absolute(self) -> Tensor:
        """L1 norm of the weights of convolutions and the dense layer."""
        parts = [
            m.weight.abs().sum() for m in self.modules() if isinstance(m, nn.Conv2d | nn.Linear)
        ]
        return torch.stack(parts).sum()

    def sharpen(self, factor: float) -> None:
        """Multiply the scores: below 1 for a network that is surer than it is right."""
        with torch.no_grad():
            self.dense.weight.mul_(factor)
            self.dense.bias.mul_(factor)

    @property
    def receptive_field_s(self) -> float:
        """Sound that an answer is about, the last window in full."""
        front = STEM_UNET_SMALL
        return ((FRAMES - 1) * front.hop + front.n_fft) / front.rate_hz
