"""Facts about narrow bands and the blocks between them."""

import pytest
import torch

from streamseg.frontend.units import UNITS
from streamseg.training.band_split import (
    BANDS,
    CHANNELS,
    COUNT,
    LONG_PER_UNIT,
    BandBlock,
    Heads,
    Split,
)

FIRST = [sum(count for count, _ in BANDS[:index]) for index in range(len(BANDS))]


def test_bands_cover_every_unit_once():
    """As many units as the front end has."""
    assert sum(count * width for count, width in BANDS) == UNITS


@pytest.mark.parametrize("unit", [0, 3, 4, 60, 300, 511])
def test_a_unit_reaches_its_own_band_alone(unit):
    """Another value of one unit changes one band, and the logits of a band its own units."""
    torch.manual_seed(0)
    split, heads = Split().eval(), Heads(4).eval()
    x = torch.randn(1, UNITS, 5, 1)
    other = x.clone()
    other[:, unit] += 3
    with torch.no_grad():
        long = torch.randn(1, sum(split.long_sizes), 3, 1)
        moved_by = (split(other, long) - split(x, long)).abs().amax(dim=(0, 1, 2))
        changed = moved_by.nonzero().flatten().tolist()
        assert len(changed) == 1
        bands = torch.randn(1, CHANNELS, 3, COUNT)
        moved = bands.clone()
        moved[..., changed[0]] += 1
        said = (heads(moved) - heads(bands)).abs().amax(dim=(0, 1, 2)).nonzero().flatten().tolist()
    group = max(index for index, first in enumerate(FIRST) if first <= changed[0])
    assert unit in said
    assert len(said) == BANDS[group][1]


@pytest.mark.parametrize("unit", [0, 5, 60, 127])
def test_the_long_window_reaches_the_band_of_its_frequency(unit):
    """Its four bins in a unit's width go where the unit goes."""
    torch.manual_seed(0)
    split = Split().eval()
    x, long = torch.randn(1, UNITS, 5, 1), torch.randn(1, sum(split.long_sizes), 3, 1)
    others = [x.clone(), long.clone()]
    others[0][:, unit] += 3
    others[1][:, LONG_PER_UNIT * unit] += 3
    with torch.no_grad():
        bands = [
            (split(*given) - split(x, long)).abs().amax(dim=(0, 1, 2)).nonzero().flatten().tolist()
            for given in ((others[0], long), (x, others[1]))
        ]
    assert bands[0] == bands[1]
    assert len(bands[0]) == 1


@pytest.mark.parametrize(("dilation", "ahead"), [(1, True), (4, True), (4, False)])
def test_a_block_adds_to_the_frame_that_it_speaks_of(dilation, ahead):
    """Without its mix a block passes its input on, late by as much as it looks ahead."""
    torch.manual_seed(0)
    block = BandBlock(dilation, ahead).eval()
    for weight in block.mix.parameters():
        torch.nn.init.zeros_(weight)
    x = torch.randn(2, CHANNELS, 20, COUNT)
    with torch.no_grad():
        y, _, state = block(x, torch.zeros(2, CHANNELS, block.context, COUNT))
    late = dilation if ahead else 0
    torch.testing.assert_close(y[:, :, late:], x[:, :, : 20 - late], atol=0, rtol=0)
    torch.testing.assert_close(state, x[:, :, 20 - block.context :], atol=0, rtol=0)
