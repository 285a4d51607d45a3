"""Facts about the network behind the masks: its stream is the sliding window, exactly."""

from pathlib import Path

import numpy as np
import pytest
import torch

from streamseg.models.card import MapSpec, TrainingRecord
from streamseg.models.session import Session, initial_state
from streamseg.training import export
from streamseg.training.fronts import WINDOW_MASK
from streamseg.training.window_mask import WARM_STEPS, WindowMask

STEPS = 22
FEATURES = torch.from_numpy(
    np.random.default_rng(4).normal(-50, 18, (2, 16 * STEPS, 192)).astype(np.float32)
)
# Float32 sums of 288 and 896 products in another order, through five layers and a softmax.
TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def network() -> WindowMask:
    """Random weights, lived-in norms, answers that differ from window to window."""
    torch.manual_seed(2)
    made = WindowMask().train()
    with torch.no_grad():
        torch.nn.init.normal_(made.window.conv.weight, std=0.1)
        for norm in made.norms:
            assert isinstance(norm, torch.nn.BatchNorm2d)
            norm.bias.normal_()
        for _ in range(20):
            made.logits(torch.randn(2, 256, 192) * 18 - 50)
    return made.eval()


def window_by_window(network: WindowMask) -> np.ndarray:
    """Every 256 x 64 window through the network by itself, (batch, steps, positions, classes)."""
    rows = []
    with torch.no_grad():
        for first in range(0, FEATURES.shape[1] - 255, 16):
            frames = FEATURES[:, first : first + 256]
            row = [network.logits(frames[:, :, m : m + 64]) for m in range(0, 129, 16)]
            assert row[0].shape == (2, 1, 1, 3)
            rows.append(torch.cat(row, dim=2))
    return torch.softmax(torch.cat(rows, dim=1), dim=3).numpy()


@pytest.mark.parametrize("cuts", [[], [1], [3, 4, 15, 16, 20], list(range(1, STEPS))])
def test_the_stream_is_the_sliding_window(network: WindowMask, cuts: list[int]) -> None:
    """Step j holds the windows that end with its last frame, however the stream is cut."""
    states, said = network.start(2), []
    with torch.no_grad():
        for first, last in zip([0, *cuts], [*cuts, STEPS], strict=True):
            prob, *states = network(FEATURES[:, 16 * first : 16 * last], *states)
            said.append(prob.numpy())
    whole = np.concatenate(said, axis=1)
    assert whole.shape == (2, STEPS, 9, 3)
    expected = window_by_window(network)
    assert expected.std() > 0.1, "windows that all look alike would show nothing"
    np.testing.assert_allclose(whole[:, WARM_STEPS:], expected, atol=TOLERANCE)


def test_no_window_sees_what_is_outside_of_it(network: WindowMask) -> None:
    """Other sound before and after a window, and above and below it, changes nothing in it."""
    other = torch.randn_like(FEATURES) * 18 - 50
    other[:, 32:288, 48:112] = FEATURES[:, 32:288, 48:112]
    with torch.no_grad():
        one, two = network.logits(FEATURES), network.logits(other)
    torch.testing.assert_close(one[:, 2, 3], two[:, 2, 3], atol=1e-4, rtol=1e-4)
    assert (one[:, 3, 3] - two[:, 3, 3]).abs().min() > 1e-3


def test_folded_norms_change_nothing(network: WindowMask) -> None:
    """The graph holds the paper's layers only: norms go into the convolutions without a rest."""
    folded = network.folded()
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded.modules())
    with torch.no_grad():
        one, two = network.logits(FEATURES), folded.logits(FEATURES)
    torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-4)
    weights = (1 + 3 * 32) * 9 * 32 + 4 * 32 + 14 * 2 * 32 * 3 + 3
    assert folded.parameters_count() == weights


def test_the_exported_graph_is_the_sliding_window(network: WindowMask, tmp_path: Path) -> None:
    """onnxruntime, in two calls, agrees with every window by itself."""
    described = export.Described(
        title="t",
        source="own",
        deviations=(),
        overlapping=False,
        front_end=WINDOW_MASK,
        record=TrainingRecord(command="none", seed=0, hours_of_audio=0.0, data=()),
        figures={},
        receptive_field_s=network.receptive_field_s,
        map=MapSpec(unit_frames=16, unit_bins=16, window_frames=256, window_bins=64),
    )
    card = export.export(network.folded(), described, tmp_path)
    session = Session(tmp_path / "window_mask.onnx", card, "cpu")
    features = FEATURES.numpy()
    (first,), state = session.run(features[:, :112], initial_state(card, 2))
    (rest,), _ = session.run(features[:, 112:], state)
    prob = np.concatenate((first, rest), axis=1)[:, WARM_STEPS:]
    np.testing.assert_allclose(prob, window_by_window(network), atol=TOLERANCE)
    assert card.map is not None
    assert card.lookahead_s("confirmed") == pytest.approx(240 * 128 / 44100)
