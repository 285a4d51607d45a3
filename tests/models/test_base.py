"""Facts about the contract of every network, on a small one written by hand."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from splits import SEEDS, blocks
from tiny_network import BANDS, write

from streamseg.errors import ConfigError, ModelError
from streamseg.messages import Spectra
from streamseg.models import Job, load_card, load_network


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The small network, ready to run."""
    return load_network("frame_conv", "cpu", write(tmp_path_factory.mktemp("models")))


def spectra(features, source="a"):
    """Feature frames with a power that tells their index."""
    power = np.full(len(features), 0.5, np.float32)
    return Spectra(source, features, power, np.empty(0), 0, 0)


def estimates(network, features, seed):
    """All estimates of one stream for one random split, both outputs side by side."""
    stream = network.open()
    parts = [network.run([Job(stream, spectra(block))])[0] for block in blocks(features, seed)]
    firsts = np.cumsum([0] + [len(part.confirmed) for part in parts[:-1]])
    assert [part.first_frame for part in parts] == firsts.tolist()
    return np.concatenate([np.hstack((part.provisional, part.confirmed)) for part in parts])


FEATURES = np.random.default_rng(0).normal(-40, 10, (4_001, BANDS)).astype(np.float32)


@given(seed=SEEDS)
def test_any_split_gives_the_same_estimates(network, seed):
    """Tolerance 1e-5: another length is another order of float32 sums in the convolution."""
    whole = network.run([Job(network.open(), spectra(FEATURES))])[0]
    np.testing.assert_allclose(
        estimates(network, FEATURES, seed),
        np.hstack((whole.provisional, whole.confirmed)),
        atol=1e-5,
    )


def test_both_outputs_describe_the_same_frame(network):
    """The provisional answer waits for the confirmed one, four frames (two estimates) later."""
    whole = network.run([Job(network.open(), spectra(FEATURES))])[0]
    # In the graph, sure = soon squared for the same call; their look-aheads differ by two.
    np.testing.assert_allclose(whole.confirmed[:-2], whole.provisional[2:] ** 2, atol=1e-6)
    # 4001 frames are 2000 outputs, of which the first three lie before the stream.
    assert len(whole.confirmed) == 2000 - 3


def test_the_first_answer_does_not_wait_for_the_second(network):
    """What is early now is what both outputs say later, only sooner."""
    stream = network.open()
    first = network.run([Job(stream, spectra(FEATURES[:100]))])[0]
    later = network.run([Job(stream, spectra(FEATURES[100:200]))])[0]
    assert len(first.early) == 2  # look-aheads of two and six frames, at a stride of two
    np.testing.assert_array_equal(first.early, later.provisional[:2])


def test_streams_in_one_batch_do_not_touch_each_other(network):
    """A source gets the same estimates alone and beside others of equal or other length."""
    others = [FEATURES[500:900], FEATURES[:400], FEATURES[7:300]]
    alone = [network.run([Job(network.open(), spectra(f))])[0] for f in others]
    together = network.run([Job(network.open(), spectra(f)) for f in others])
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one.confirmed, other.confirmed, atol=1e-6)


def test_the_grid_puts_an_estimate_in_the_middle_of_its_stride(network):
    """Two hops of 20 ms: the middle lies half a frame and half a hop after the start."""
    grid = network.grid(48_000)
    assert grid.hop_s == 0.04
    assert grid.first_centre_s == pytest.approx(0.016 + 0.010)


def test_silence_has_the_level_of_the_floor(network):
    """Levels come with the estimates they belong to."""
    stream = network.open()
    quiet = Spectra("a", FEATURES[:100], np.zeros(100, np.float32), np.empty(0), 0, 0)
    assert np.all(network.run([Job(stream, quiet)])[0].level_dbfs == -120)


def test_an_unknown_model_is_named_beside_the_known_ones():
    """The error lists what there is."""
    with pytest.raises(ConfigError, match=r"activity, frame_conv, .*got 'gpt'"):
        load_card("gpt")


def test_a_corrupt_network_is_refused_by_its_hash(tmp_path):
    """One flipped byte is enough."""
    write(tmp_path)
    path = tmp_path / "frame_conv.onnx"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="expected the sha256 of its card"):
        load_network("frame_conv", "cpu", tmp_path)


def test_a_file_that_is_no_network_is_refused(tmp_path):
    """Also when its hash stands on the card."""
    write(tmp_path)
    junk = b"not an onnx file"
    (tmp_path / "frame_conv.onnx").write_bytes(junk)
    card = json.loads((tmp_path / "frame_conv.json").read_text())
    card["sha256"] = hashlib.sha256(junk).hexdigest()
    (tmp_path / "frame_conv.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="not a network that onnxruntime can run"):
        load_network("frame_conv", "cpu", tmp_path)


def test_a_network_with_other_inputs_than_its_card_is_refused(tmp_path):
    """Card and graph must agree on names."""
    write(tmp_path, state=[{"name": "other", "shape": [4, BANDS]}])
    with pytest.raises(ModelError, match="inputs \\['features', 'other'\\]"):
        load_network("frame_conv", "cpu", tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "short"}, "sha256"),
        ({"colour": "blue"}, "colour"),
        ({"stride": 0}, "stride"),
    ],
)
def test_a_broken_card_names_the_key(tmp_path, change, message):
    """The error says which key of which file is wrong."""
    write(tmp_path, **change)
    with pytest.raises(ModelError, match=message):
        load_card("frame_conv", tmp_path)


def test_a_missing_card_says_where_it_was_expected(tmp_path):
    """And what to do."""
    with pytest.raises(ModelError, match=r"expected a model card at .*frame_conv\.json"):
        load_card("frame_conv", tmp_path)
