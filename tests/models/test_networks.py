"""Facts about the networks that ship: card and graph together, streaming equals offline."""

import json

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signals import at_level, music, noise, speech
from splits import SEEDS, blocks

from streamseg.errors import ConfigError
from streamseg.messages import Spectra
from streamseg.models import STEMS, Job, load_card, load_network
from streamseg.resources import models_dir
from streamseg.stages import SourceFront

RATE_HZ = 44_100
NETWORKS = {stem: load_network(stem, "cpu") for stem in STEMS}


@pytest.fixture(scope="module")
def sound():
    """Ten seconds of speech, music and hiss, with digital silence between."""
    gap = np.zeros(RATE_HZ // 2, np.float32)
    parts = [speech(3.0, RATE_HZ, seed=1), gap, music(3.0, RATE_HZ, seed=1), gap]
    parts.append(noise("white", 3.0, RATE_HZ, seed=1) * np.float32(0.3))
    return np.concatenate(parts).astype(np.float32)


def estimates(network, signal, seed, piece_s):
    """Both outputs for a random split of the samples."""
    front = SourceFront("a", network.card, network.grid(RATE_HZ), piece_s)
    stream, parts = network.open(), []
    for block in blocks(signal, seed):
        parts += [network.run([Job(stream, s)])[0] for s in front.push(block)]
    parts += [network.run([Job(stream, s)])[0] for s in front.finish(network.flush_frames)]
    return np.concatenate([np.hstack((p.provisional, p.confirmed)) for p in parts])


@pytest.mark.parametrize("stem", STEMS)
@settings(max_examples=15)
@given(seed=SEEDS, piece_s=st.sampled_from([0.04, 0.2, 1.0, 3.3]))
def test_any_split_gives_the_same_probabilities(stem, sound, seed, piece_s):
    """From samples through onnxruntime: 1e-3, float32 sums in other orders through many layers."""
    network = NETWORKS[stem]
    whole = estimates(network, sound, 0, 1000.0)
    np.testing.assert_allclose(estimates(network, sound, seed, piece_s), whole, atol=1e-3)


@pytest.mark.parametrize("stem", STEMS)
def test_a_batch_of_sources_gives_each_its_own_probabilities(stem):
    """What else is in the batch does not matter."""
    network, rng = NETWORKS[stem], np.random.default_rng(0)
    frames = 40 * network.card.stride
    inputs = rng.normal(0, 1, (5, frames, network.card.front_end.n_mels)).astype(np.float32)

    def job(features):
        power = np.ones(frames, np.float32)
        return Job(network.open(), Spectra("a", features, power, np.empty(0), 0, 0))

    together = network.run([job(features) for features in inputs])
    for features, got in zip(inputs, together, strict=True):
        alone = network.run([job(features)])[0]
        np.testing.assert_allclose(got.confirmed, alone.confirmed, atol=1e-4)


@pytest.mark.parametrize("stem", STEMS)
def test_an_endless_stream_does_not_drift(stem):
    """After ten minutes of hiss the same sound gets the same answer as after one."""
    network = NETWORKS[stem]
    hiss = noise("white", 60.0, RATE_HZ, seed=3).astype(np.float32) * np.float32(0.1)
    front = SourceFront("a", network.card, network.grid(RATE_HZ), 10.0)
    stream = network.open()
    minutes = []
    for _ in range(10):
        parts = [network.run([Job(stream, s)])[0].confirmed for s in front.push(hiss)]
        minutes.append(np.concatenate(parts).mean(axis=0))
    np.testing.assert_allclose(minutes[-1], minutes[1], atol=0.02)


@pytest.mark.parametrize("stem", STEMS)
def test_card_and_graph_agree(stem):
    """Shapes of state, bands and classes are those of the card; axes that vary are dynamic."""
    card = load_card(stem)
    graph = onnx.load(models_dir() / f"{stem}.onnx").graph
    onnx.checker.check_model(onnx.load(models_dir() / f"{stem}.onnx"))
    inputs = {value.name: dims(value) for value in graph.input}
    outputs = {value.name: dims(value) for value in graph.output}
    assert inputs["features"][2] == card.front_end.n_mels
    assert not isinstance(inputs["features"][0], int)
    assert not isinstance(inputs["features"][1], int)
    for state in card.state:
        assert tuple(inputs[state.name][1:]) == state.shape
        assert f"next_{state.name}" in outputs
    for output in card.outputs:
        assert outputs[output.name][2] in (len(card.classes), None, "classes")
    weights = sum(int(np.prod(tensor.dims)) for tensor in graph.initializer)
    assert card.parameters <= weights * 1.05


def dims(value):
    """Sizes of the axes, names where they are dynamic."""
    shape = value.type.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in shape]


@pytest.mark.parametrize("stem", STEMS)
def test_the_card_names_every_licence(stem):
    """Every source of training data has one, and there is at least one source."""
    card = load_card(stem)
    assert card.training.data
    assert all(source.licence.strip() for source in card.training.data)
    assert card.figures, "a card without figures says nothing about how well the network hears"
    json.dumps(card.figures, allow_nan=False)


def test_the_flagship_keeps_its_bounds():
    """At most 300 k parameters and half a second of look-ahead for the first answer."""
    card = load_card("activity")
    assert card.parameters <= 300_000
    assert card.lookahead_s("provisional") <= 0.5
    assert card.overlapping


@pytest.mark.parametrize("kind", ["pink", "brown", "hiss", "rain"])
@pytest.mark.parametrize("level_dbfs", [-18, -32])
def test_steady_hiss_on_air_is_noise_and_not_nothing(kind, level_dbfs):
    """A line that only hisses after a song is the very thing that must be noticed."""
    song = at_level(music(6.0, RATE_HZ, seed=2), -20)
    hiss = at_level(noise(kind, 14.0, RATE_HZ, seed=4), level_dbfs)
    prob = estimates(NETWORKS["activity"], np.concatenate((song, hiss)), 0, 100.0)[:, 3:]
    after = prob[round(9 / NETWORKS["activity"].card.hop_s) :].mean(axis=0)
    assert after[2] > 0.6, after
    assert max(after[:2]) < 0.2, after


@pytest.mark.parametrize("stem", ["nothing", "window_mask", "stem_unet_small"])
def test_what_does_not_say_what_is_on_air_is_refused(stem: str) -> None:
    """A typing error, a network of masks and one of stems: the message lists those that do."""
    with pytest.raises(ConfigError, match=f"expected a model of activity, .* got '{stem}'") as told:
        load_network(stem)
    assert ("belongs into model.mask" in str(told.value)) == (stem == "window_mask")
