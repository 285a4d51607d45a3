"""Networks: a stream equals one call, torch equals onnxruntime, the card equals the graph."""

from pathlib import Path

import numpy as np
import pytest
import torch

from streamseg.models.card import TrainingRecord, read_card
from streamseg.models.session import Session, initial_state
from streamseg.training import export, recipes
from streamseg.training.activity import Activity
from streamseg.training.frame_conv import FrameConv
from streamseg.training.streaming import Network

RECORD = TrainingRecord(command="none", seed=0, hours_of_audio=0.0, data=())


def made(kind: type[Network]) -> Network:
    """A network with random weights and lived-in normalisation."""
    torch.manual_seed(1)
    network = kind()
    network.train()
    bands = 80 if kind is Activity else 40
    with torch.no_grad():
        network(torch.randn(4, 200, bands) * 10 - 50, *network.start(4))
    return network.eval()


@pytest.mark.parametrize("kind", [Activity, FrameConv])
def test_export_passes_its_own_parity_check(kind: type[Network], tmp_path: Path) -> None:
    """The written graph agrees with torch and with itself in pieces, and fits its card."""
    card = export.export(made(kind), recipes.describe(made(kind), RECORD, {}), tmp_path)
    assert read_card(tmp_path / f"{card.stem}.json") == card
    assert card.figures["parity"]["stream_against_one_call"] < export.TOLERANCE
    assert not list(tmp_path.glob("*.part"))
    session = Session(tmp_path / f"{card.stem}.onnx", card, "cpu")
    features = np.zeros((3, card.stride * 5, card.front_end.n_mels), np.float32)
    outputs, states = session.run(features, initial_state(card, 3))
    assert [output.shape for output in outputs] == [(3, 5, 3)] * len(card.outputs)
    assert [s.shape for s in states] == [(3, *spec.shape) for spec in card.state]


def test_scores_of_frame_conv_sum_to_one() -> None:
    """frame_conv is a softmax once its window of ten frames is full."""
    network = made(FrameConv)
    with torch.no_grad():
        prob = network(torch.randn(2, 40, 40), *network.start(2))[0]
    assert prob.shape == (2, 40, 3)
    torch.testing.assert_close(prob[:, 9:].sum(dim=2), torch.ones(2, 31))


def test_activity_is_within_its_budget() -> None:
    """At most 300 k parameters and 0.5 s of look-ahead for the first answer."""
    network = Activity()
    assert network.parameters_count() <= 300_000
    assert dict(network.outputs)["provisional"] * 0.02 <= 0.5


def test_a_failed_parity_check_leaves_the_old_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export that does not agree with torch raises and changes nothing."""
    network = made(FrameConv)
    (tmp_path / "frame_conv.onnx").write_bytes(b"old")
    monkeypatch.setattr(export, "TOLERANCE", -1.0)
    with pytest.raises(RuntimeError, match="nothing exported"):
        export.export(network, recipes.describe(network, RECORD, {}), tmp_path)
    assert (tmp_path / "frame_conv.onnx").read_bytes() == b"old"
    assert not list(tmp_path.glob("*.part"))
