"""Features of a sound played at another pitch: the same music by other hands."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from streamseg.frontend.mel import hz_to_mel, mel_to_hz
from streamseg.models.card import FrontEndSpec

_LOWEST, _HIGHEST = 0.75, 1.33


def transposed(
    features: Tensor, spec: FrontEndSpec, deviation: float, random: torch.Generator
) -> Tensor:
    """Every crop with all frequencies times a factor of its own, 0.75 to 1.33.

    ``deviation`` is that of the factors' logarithm. Shape: (batch, frames, bands) in and out;
    between bands linear, beyond the first and the last one as these. The corpus' music comes from
    few hands: without this a long stage learns them by heart.
    """
    chance = torch.randn(len(features), 1, generator=random) * deviation
    factors = torch.exp(chance).clamp(_LOWEST, _HIGHEST).numpy().astype(np.float64)
    low, high = (float(hz_to_mel(hz)) for hz in (spec.fmin_hz, spec.fmax_hz))
    edges = np.linspace(low, high, spec.n_mels + 2)
    at = (hz_to_mel(mel_to_hz(edges[1:-1]) / factors) - low) / (edges[1] - low) - 1
    place = torch.from_numpy(at).clamp(0, features.shape[2] - 1.001)
    below = place.long()
    part = (place - below).to(features.dtype)[:, None, :]
    below = below[:, None, :].expand_as(features)
    return features.gather(2, below) * (1 - part) + features.gather(2, below + 1) * part
