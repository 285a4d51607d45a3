"""``stem_genre``: the four networks of "genre from separated stems", and one trial of them.

Two convolutions, each with batch normalisation and max pooling, dropout of a half, one dense layer.
The models differ in what goes in (one spectrogram with or without vocals, or those of three stems
as channels) and in the kind of convolution (standard, or depthwise separable). The paper's text
gives neither filters nor kernels, pool sizes, optimiser, rate, batch nor the strengths of its L1
and L2 penalties: those of ``Recipe`` were chosen on generated pieces outside every table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from torch import Tensor, nn

from streamseg.training.genre_data import FRAMES, FRONT, SPECTROGRAMS


@dataclass(frozen=True, slots=True)
class Model:
    """One line of the paper's table 1."""

    label: str
    inputs: tuple[str, ...]
    """Of ``genre_data.SPECTROGRAMS``, as channels."""
    separable: bool = False


MODELS: dict[str, Model] = {
    "full": Model("1 spec, 2DConv-Full", ("full",)),
    "no_vox": Model("1 spec, 2DConv-No-Vox (baseline)", ("no_vox",)),
    "stems": Model("3 spec, 2DConv", ("bass", "drums", "other")),
    "stems_dw": Model("3 spec, DW-2DConv", ("bass", "drums", "other"), separable=True),
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the paper's text leaves open, and its six epochs."""

    filters: tuple[int, int] = (8, 16)
    kernel: int = 3
    pools: tuple[tuple[int, int], tuple[int, int]] = ((4, 8), (4, 14))
    """Bands x frames."""
    rate: float = 1e-3
    batch: int = 4
    momentum: float = 0.3
    """Of the running statistics of batch normalisation: there are few batches."""
    l1: float = 1e-5
    l2: float = 1e-4
    epochs: int = 6


def convolution(
    inputs: int, outputs: int, kernel: int | tuple[int, int], separable: bool
) -> nn.Module:
    """A convolution of the same size, without a bias (batch normalisation follows).

    ``kernel`` is bands x frames, or one odd number for both.

    Separable (equation 2): a filter for each channel, then a 1 x 1 convolution. The paper writes
    "an identical filter"; its count of 3k + 9 weights for three channels is that of three filters.
    """
    kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
    same = (kernel[0] // 2, kernel[1] // 2)
    if not separable:
        return nn.Conv2d(inputs, outputs, kernel, padding=same, bias=False)
    depthwise = nn.Conv2d(inputs, inputs, kernel, padding=same, groups=inputs, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(inputs, outputs, 1, bias=False))


class GenreCnn(nn.Module):
    """(batch, channels, 128, 458) of ``genre_data.relative`` to (batch, classes) scores."""

    def __init__(self, model: Model, classes: int, recipe: Recipe | None = None) -> None:
        super().__init__()
        recipe = recipe or Recipe()
        layers: list[nn.Module] = []
        channels = len(model.inputs)
        bands, frames = FRONT.n_mels, FRAMES
        for filters, pool in zip(recipe.filters, recipe.pools, strict=True):
            layers += [
                convolution(channels, filters, recipe.kernel, model.separable),
                # A maximum commutes with a ReLU: in this order the large tensor is passed once.
                nn.MaxPool2d(pool),
                nn.ReLU(),
                nn.BatchNorm2d(filters, momentum=recipe.momentum),
            ]
            channels, bands, frames = filters, bands // pool[0], frames // pool[1]
        self.features = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.5))
        self.dense = nn.Linear(channels * bands * frames, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        """Scores before the softmax."""
        scores: Tensor = self.dense(self.features(pictures))
        return scores

    def penalty(self, l1: float, l2: float) -> Tensor:
        """L1 and L2 norms of the weights of convolutions and the dense layer."""
        weights = [
            module.weight for module in self.modules() if isinstance(module, nn.Conv2d | nn.Linear)
        ]
        absolute = torch.stack([weight.abs().sum() for weight in weights]).sum()
        squared = torch.stack([weight.square().sum() for weight in weights]).sum()
        return l1 * absolute + l2 * squared


def channels_of(model: Model) -> list[int]:
    """Places of a model's inputs among the spectrograms of a song."""
    return [SPECTROGRAMS.index(name) for name in model.inputs]


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of the songs to train and to test on."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]


def split(songs: int, seed: int, trial: int) -> Split:
    """80 and 20 % of the songs at random, the same for every model."""
    order = np.random.default_rng([seed, 89, trial]).permutation(songs)
    count = round(0.8 * songs)
    return Split(np.sort(order[:count]), np.sort(order[count:]))


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of the test part after one epoch."""

    epoch: int
    loss: float
    accuracy: float
    f1: float
    """Macro."""


def class_weights(genres: Tensor, classes: int) -> Tensor:
    """Rare classes count more: songs over classes times songs of the class; (classes,)."""
    counts = torch.bincount(genres, minlength=classes).clamp(min=1)
    return len(genres) / (classes * counts.float())


def _batches(count: int, size: int) -> Iterator[Tensor]:
    # A batch of one song has no statistics: the last song of an odd set joins the batch before.
    order = torch.randperm(count)
    whole = torch.split(order, size)
    if len(whole) > 1 and len(whole[-1]) == 1:
        whole = (*whole[:-2], torch.cat(whole[-2:]))
    yield from whole


def _score(network: GenreCnn, pictures: Tensor, genres: Tensor, epoch: int) -> Score:
    network.eval()
    with torch.no_grad():
        scores = torch.cat([network(part) for part in torch.split(pictures, 16)])
    said = scores.argmax(dim=1)
    return Score(
        epoch=epoch,
        loss=float(nn.functional.cross_entropy(scores, genres)),
        accuracy=float((said == genres).float().mean()),
        f1=float(f1_score(genres.numpy(), said.numpy(), average="macro")),
    )


def run_trial(
    model: Model,
    pictures: Tensor,
    genres: Tensor,
    parts: Split,
    seed: int,
    recipe: Recipe | None = None,
) -> list[Score]:
    """Train from nothing; the score of the test part after each epoch.

    Shape: ``pictures`` is (songs, channels, 128, 458) with the model's channels, ``genres`` is
    (songs,).
    """
    recipe = recipe or Recipe()
    torch.manual_seed(seed)
    classes = int(genres.max()) + 1
    network = GenreCnn(model, classes, recipe)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(network.parameters(), recipe.rate)
    train, test = torch.from_numpy(parts.train), torch.from_numpy(parts.test)
    weights = class_weights(genres[train], classes)
    found = []
    for epoch in range(1, recipe.epochs + 1):
        network.train()
        for batch in _batches(len(train), recipe.batch):
            rows = train[batch]
            scores = network(pictures[rows].contiguous(memory_format=torch.channels_last))
            each = nn.functional.cross_entropy(scores, genres[rows], reduction="none")
            # As Keras does it: the mean of the weighted losses over the batch.
            loss = (each * weights[genres[rows]]).mean() + network.penalty(recipe.l1, recipe.l2)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        found.append(_score(network, pictures[test], genres[test], epoch))
    return found


def best(scores: list[Score]) -> Score:
    """The epoch with the least test loss, as the paper reports it.

    The test part chooses the epoch that it judges: the figure is optimistic.
    """
    return min(scores, key=lambda score: score.loss)
