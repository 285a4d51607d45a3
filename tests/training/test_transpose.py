"""Features at another pitch."""

import numpy as np
import pytest
import torch

from streamseg.frontend.mel import hz_to_mel, mel_to_hz
from streamseg.models.card import FrontEndSpec
from streamseg.training import fronts
from streamseg.training.transpose import transposed


@pytest.mark.parametrize("spec", [fronts.ACTIVITY, fronts.PARALLEL_CNN])
def test_a_crop_is_transposed_by_one_factor(spec: FrontEndSpec) -> None:
    """A tone moves to the band of its frequency times the factor; without spread nothing moves."""
    low, high = (float(hz_to_mel(hz)) for hz in (spec.fmin_hz, spec.fmax_hz))
    centres_hz = mel_to_hz(np.linspace(low, high, spec.n_mels + 2)[1:-1])
    band = spec.n_mels // 2
    tone = -3 * (torch.arange(float(spec.n_mels)) - band).abs().expand(6, 10, spec.n_mels)
    random = torch.Generator().manual_seed(4)
    factors = torch.exp(torch.randn(6, 1, generator=random) * 0.1).clamp(0.75, 1.33)
    found = transposed(tone, spec, 0.1, torch.Generator().manual_seed(4))
    for row, factor in zip(found, factors.flatten().tolist(), strict=True):
        want = np.abs(np.log(centres_hz / (centres_hz[band] * factor))).argmin()
        assert abs(int(row[0].argmax()) - want) <= 1
        assert torch.equal(row[0], row[-1])
    assert len({int(row[0].argmax()) for row in found}) > 1
    torch.testing.assert_close(transposed(tone, spec, 0.0, random), tone, atol=0.01, rtol=0)
